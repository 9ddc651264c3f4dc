/* Compositions that become one step, and those that look alike and must not: either way the answer is what the operations say. */
#include "tests/unit/onnx_case.h"

static const struct {
    struct onnx_case net;
    const char *activation; /* what the whole becomes; NULL: it stays what it is */
} compositions[] = {
    {{"s=Sigmoid(x); y=Mul(x,s)", 20, "0.5 -1.5 2 -3",
      "0.311229666 -0.273638286 1.76159416 -0.14227762"},
     "silu"},
    {{"b=f{1.5}; p=Mul(x,b); s=Sigmoid(p); y=Mul(s,x)", 20, "0.5 -1.5 2 -3",
      "0.33958935 -0.143024197 1.90514825 -0.0329608279"},
     "silu"},
    {{"n=Neg(x); s=Sigmoid(n); y=Mul(x,s)", 20, "0.5 -1.5 2 -3",
      "0.188770334 -1.22636171 0.238405844 -2.85772238"},
     "silu"},
    {{"b=f{1.5}; p=Add(x,b); s=Sigmoid(p); y=Mul(x,s)", 20, "0.5 -1.5 2 -3",
      "0.440398539 -0.75 1.94137554 -0.547276571"},
     NULL},
    {{"b=f{1.5}; s=Sigmoid(x); p=Mul(x,b); y=Mul(p,s)", 20, "0.5 -1.5 2 -3",
      "0.466844498 -0.410457429 2.64239123 -0.213416429"},
     NULL},
    {{"s=Sigmoid(x); p=Mul(x,x); y=Mul(p,s)", 20, "0.5 -1.5 2 -3",
      "0.155614833 0.410457429 3.52318831 0.426832859"},
     NULL},
    {{"s=Sigmoid(x); y=Div(x,s)", 20, "0.5 -1.5 2 -3",
      "0.80326533 -8.22253361 2.27067057 -63.2566108"},
     NULL},
    {{"b=f[4]{1,1,1,2}; p=Mul(x,b); s=Sigmoid(p); y=Mul(x,s)", 20, "0.5 -1.5 2 -3",
      "0.311229666 -0.273638286 1.76159416 -0.00741786947"},
     NULL},
    {{"b=f[4]{1,1,1,2}; s=Sigmoid(x); p=Mul(x,b); y=Mul(p,s)", 20, "0.5 -1.5 2 -3",
      "0.311229666 -0.273638286 1.76159416 -0.284555239"},
     NULL},
    {{"p=Mul(x,x); s=Sigmoid(p); y=Mul(x,s)", 20, "0.5 -1.5 2 -3",
      "0.28108825 -1.3569758 1.96402758 -2.99962982"},
     NULL},
    {{"t=Tanh(x); p=Mul(x,t); s=Sigmoid(p); y=Mul(x,s)", 20, "0.5 -1.5 2 -3",
      "0.278754507 -1.19308391 1.746068 -2.85569814"},
     NULL},
    {{"b=f{2}; p=Mul(x,b); s=Softplus(p); y=Div(s,b)", 20, "0.5 -1.5 2 -3",
      "0.656630844 0.0242936758 2.00907496 0.00123784257"},
     "softplus"},
    {{"b=f{2}; p=Mul(x,b); s=Softplus(p); y=Mul(s,b)", 20, "0.5 -1.5 2 -3",
      "2.62652338 0.0971747031 8.03629986 0.00495137028"},
     NULL},
    {{"b=f{2}; p=Add(x,b); s=Softplus(p); y=Div(s,b)", 20, "0.5 -1.5 2 -3",
      "1.28944487 0.487038492 2.00907496 0.156630844"},
     NULL},
    {{"b=f{2}; p=Mul(x,b); s=Softplus(p); y=Div(b,s)", 20, "0.5 -1.5 2 -3",
      "1.52292572 41.1629763 0.497741507 807.857174"},
     NULL},
    {{"s=Softplus(x); t=Tanh(s); y=Mul(x,t)", 20, "0.5 -1.5 2 -3",
      "0.375245211 -0.298099742 1.94395896 -0.145647461"},
     "mish"},
    {{"s=Softplus(x); t=Tanh(s); p=Mul(x,x); y=Mul(p,t)", 20, "0.5 -1.5 2 -3",
      "0.187622606 0.447149613 3.88791792 0.436942384"},
     NULL},
    {{"s=Softplus(x); t=Tanh(s); y=Div(x,t)", 20, "0.5 -1.5 2 -3",
      "0.66623102 -7.54780928 2.05765661 -61.7930441"},
     NULL},
    {{"n=Neg(x); s=Softplus(n); t=Tanh(s); y=Mul(x,t)", 20, "0.5 -1.5 2 -3",
      "0.220743775 -1.40337827 0.252501483 -2.986535"},
     NULL},
    {{"t=Tanh(x); y=Mul(x,t)", 20, "0.5 -1.5 2 -3", "0.231058579 1.35772238 1.92805516 2.98516426"},
     NULL},
    {{"s=HardSigmoid(x) alpha=0.16666667; y=Mul(x,s)", 20, "0.5 -1.5 2 -3",
      "0.291666667 -0.375 1.66666667 -0"},
     "hardswish"},
    {{"s=HardSigmoid(x) alpha=0.16666667; p=Mul(x,x); y=Mul(p,s)", 20, "0.5 -1.5 2 -3",
      "0.145833333 0.5625 3.33333333 0"},
     NULL},
    {{"n=Neg(x); s=HardSigmoid(n) alpha=0.16666667; y=Mul(x,s)", 20, "0.5 -1.5 2 -3",
      "0.208333333 -1.125 0.333333333 -3"},
     NULL},
    {{"three=f{3}; six=f{6}; a=Add(x,three); z=f{0}; c=Clip(a,z,six); p=Mul(x,c); y=Div(p,six)", 20,
      "0.5 -1.5 2 -3", "0.291666667 -0.375 1.66666667 -0"},
     "hardswish"},
    {{"three=f{3}; six=f{6}; a=Add(three,x); z=f{0}; c=Clip(a,z,six); y=Div(c,six)", 20,
      "0.5 -1.5 2 -3", "0.583333333 0.25 0.833333333 0"},
     "hardsigmoid"},
    {{"three=f{3}; six=f{6}; a=Add(x,three); z=f{0}; c=Clip(a,z,six); p=Mul(x,c); q=Mul(x,p); "
      "y=Div(q,six)",
      20, "0.5 -1.5 2 -3", "0.145833333 0.5625 3.33333333 0"},
     NULL},
    {{"two=f{2}; six=f{6}; a=Add(x,two); z=f{0}; c=Clip(a,z,six); y=Div(c,six)", 20,
      "0.5 -1.5 2 -3", "0.416666667 0.0833333333 0.666666667 0"},
     NULL},
    {{"three=f{3}; six=f{6}; n=Neg(x); a=Add(n,three); z=f{0}; c=Clip(a,z,six); y=Div(c,six)", 20,
      "0.5 -1.5 2 -3", "0.416666667 0.75 0.166666667 1"},
     NULL},
    {{"three=f[4]{3,3,3,2}; six=f{6}; a=Add(x,three); z=f{0}; c=Clip(a,z,six); y=Div(c,six)", 20,
      "0.5 -1.5 2 -3", "0.583333333 0.25 0.833333333 0"},
     NULL},
    {{"three=f{3}; six=f{6}; t=Tanh(x); u=Add(x,t); a=Add(u,three); z=f{0}; c=Clip(a,z,six); "
      "y=Div(c,six)",
      20, "0.5 -1.5 2 -3", "0.66035286 0.0991419577 0.994004597 0"},
     NULL},
    {{"three=f{3}; six=f{6}; eight=f{8}; a=Add(x,three); z=f{0}; c=Clip(a,z,eight); y=Div(c,six)",
      20, "0.5 -1.5 2 -3", "0.583333333 0.25 0.833333333 0"},
     NULL},
    {{"three=f{3}; a=Add(x,three); c=HardSigmoid(a) alpha=0.16666667 beta=0.0; six=f{6}; "
      "y=Div(c,six)",
      20, "0.5 -1.5 2 -3", "0.0972222222 0.0416666667 0.138888889 0"},
     NULL},
    {{"one=f{1}; a=Abs(x); s=Add(a,one); y=Div(x,s)", 20, "0.5 -1.5 2 -3",
      "0.333333333 -0.6 0.666666667 -0.75"},
     "softsign"},
    {{"one=f{1}; a=Abs(x); s=Add(one,a); p=Mul(x,x); y=Div(p,s)", 20, "0.5 -1.5 2 -3",
      "0.166666667 0.9 1.33333333 2.25"},
     NULL},
    {{"two=f{2}; a=Abs(x); s=Add(a,two); y=Div(x,s)", 20, "0.5 -1.5 2 -3",
      "0.2 -0.428571429 0.5 -0.6"},
     NULL},
    {{"one=f{1}; a=Abs(x); s=Add(a,one); t=Add(s,x); y=Div(x,t)", 20, "0.5 -1.5 2 -3",
      "0.25 -1.5 0.4 -3"},
     NULL},
    {{"one=f{1}; two=f{2}; a=Abs(x); m=Mul(a,two); s=Add(m,one); y=Div(x,s)", 20, "0.5 -1.5 2 -3",
      "0.25 -0.375 0.4 -0.428571429"},
     NULL},
    {{"one=f{1}; a=Abs(x); t=Sigmoid(x); m=Add(a,t); s=Add(m,one); y=Div(x,s)", 20, "0.5 -1.5 2 -3",
      "0.235575774 -0.559195395 0.515358046 -0.741211845"},
     NULL},
    {{"one=f{1}; n=Exp(x); s=Add(n,one); y=Div(x,s)", 20, "0.5 -1.5 2 -3",
      "0.188770334 -1.22636171 0.238405844 -2.85772238"},
     NULL},
    {{"one=f{1}; two=f{2}; s=Add(x,one); d=Mul(s,two); y=Div(x,d)", 20, "0.5 -1.5 2 -3",
      "0.166666667 1.5 0.333333333 0.75"},
     NULL},
    {{"s=Sigmoid(x); y=Log(s)", 20, "0.5 -1.5 2 -3",
      "-0.474076984 -1.70141328 -0.126928011 -3.04858735"},
     "logsigmoid"},
    {{"n=Neg(x); s=Sigmoid(n); y=Log(s)", 20, "0.5 -1.5 2 -3",
      "-0.974076984 -0.201413278 -2.12692801 -0.0485873516"},
     NULL},
    {{"t=Tanh(x); y=Sub(x,t)", 20, "0.5 -1.5 2 -3",
      "0.0378828427 -0.594851746 1.03597242 -2.00494525"},
     "tanhshrink"},
    {{"t=Tanh(x); n=Neg(t); y=Add(x,n)", 20, "0.5 -1.5 2 -3",
      "0.0378828427 -0.594851746 1.03597242 -2.00494525"},
     "tanhshrink"},
    {{"t=Tanh(x); y=Add(x,t)", 20, "0.5 -1.5 2 -3",
      "0.962117157 -2.40514825 2.96402758 -3.99505475"},
     NULL},
    {{"one=f{1}; t=Tanh(x); d=Sub(x,t); y=Add(d,one)", 20, "0.5 -1.5 2 -3",
      "1.03788284 0.405148254 2.03597242 -1.00494525"},
     NULL},
    {{"two=f{2}; p=Mul(two,x); t=Tanh(x); y=Sub(p,t)", 20, "0.5 -1.5 2 -3",
      "0.537882843 -2.09485175 3.03597242 -5.00494525"},
     NULL},
    {{"t=Tanh(x); s=Sigmoid(x); a=Add(t,s); y=Sub(x,a)", 20, "0.5 -1.5 2 -3",
      "-0.584576488 -0.77727727 0.155175342 -2.05237112"},
     NULL},
    {{"two=f{2}; p=Mul(x,two); t=Tanh(p); y=Sub(x,t)", 20, "0.5 -1.5 2 -3",
      "-0.261594156 -0.504945246 1.0006707 -2.00001229"},
     NULL},
    {{"h=f{0.5}; one=f{1}; r=f{0.70710678}; p=Mul(x,r); e=Erf(p); a=Add(e,one); q=Mul(x,a); "
      "y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.345731231 -0.100210802 1.95449974 -0.00404969409"},
     "gelu"},
    {{"h=f{0.5}; one=f{1}; r=f{0.70710678}; n=Neg(x); p=Mul(n,r); e=Erf(p); a=Sub(one,e); "
      "q=Mul(x,h); y=Mul(q,a)",
      20, "0.5 -1.5 2 -3", "0.345731231 -0.100210802 1.95449974 -0.00404969409"},
     "gelu"},
    {{"h=f{0.5}; one=f{1}; r=f{0.70710678}; e=Erf(x); a=Add(e,one); q=Mul(x,a); y=Mul(q,h)", 20,
      "0.5 -1.5 2 -3", "0.380124969 -0.0254211401 1.99532227 -3.31357455e-05"},
     NULL},
    {{"h=f{0.5}; one=f{1}; r=f{0.70710678}; b=Add(x,r); e=Erf(b); a=Add(e,one); q=Mul(x,a); "
      "y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.478049448 -0.196613646 1.99987104 -0.00177641192"},
     NULL},
    {{"h=f{0.5}; one=f{1}; r=f{0.70710678}; p=Mul(x,r); e=Erf(p); a=Sub(one,e); q=Mul(x,a); "
      "y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.154268769 -1.3997892 0.0455002639 -2.99595031"},
     NULL},
    {{"h=f{0.5}; one=f{1}; r=f{0.70710678}; p=Mul(x,r); e=Erf(p); a=Add(e,one); q=Mul(x,a); "
      "w=Mul(q,x); y=Mul(w,h)",
      20, "0.5 -1.5 2 -3", "0.172865615 0.150316203 3.90899947 0.0121490823"},
     NULL},
    {{"h=f{0.5}; one=f{1}; r=f{0.70710678}; p=Mul(x,r); e=Erf(p); m=Mul(e,h); a=Add(m,one); "
      "q=Mul(x,a); y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.297865615 -0.425105401 1.47724987 -0.752024847"},
     NULL},
    {{"h=f{0.5}; one=f{1}; r=f{0.70710678}; p=Mul(x,r); e=Erf(p); a=Add(e,one); q=Mul(x,h); "
      "y=Div(q,a)",
      20, "0.5 -1.5 2 -3", "0.180776263 -5.61316734 0.511639875 -555.597521"},
     NULL},
    {{"h=f{0.5}; one=f{1}; r=f{0.70710678}; p=Mul(x,r); e=Erf(p); a=Add(e,one); b=Add(a,x); "
      "q=Mul(x,b); y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.470731231 1.0247892 3.95449974 4.49595031"},
     NULL},
    {{"h=f{0.5}; one=f{1}; r=f{0.70710678}; p=Mul(x,r); e=Erf(p); t=Tanh(x); a=Add(e,one); "
      "b=Add(a,t); q=Mul(x,b); y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.46126052 0.578650388 2.91852732 1.48853244"},
     NULL},
    {{"h=f{0.5}; one=f{1}; k=f{0.79788456}; c=f{0.044715}; three=f{3}; two=f{2}; u=Mul(x,x); "
      "v=Mul(u,x); w=Mul(v,c); s=Add(x,w); p=Mul(s,k); t=Tanh(p); a=Add(t,one); q=Mul(x,a); "
      "y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.34571401 -0.100428423 1.95459769 -0.00363739208"},
     "gelu"},
    {{"h=f{0.5}; one=f{1}; k=f{0.79788456}; c=f{0.044715}; three=f{3}; two=f{2}; v=Pow(x,three); "
      "w=Mul(v,c); s=Add(x,w); p=Mul(s,k); t=Tanh(p); a=Add(t,one); q=Mul(x,a); y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.34571401 -0.100428423 1.95459769 -0.00363739208"},
     "gelu"},
    {{"h=f{0.5}; one=f{1}; k=f{0.79788456}; c=f{0.044715}; three=f{3}; two=f{2}; v=Pow(x,two); "
      "w=Mul(v,c); s=Add(one,w); m=Mul(x,k); p=Mul(m,s); t=Tanh(p); a=Add(t,one); q=Mul(x,a); "
      "y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.34571401 -0.100428423 1.95459769 -0.00363739208"},
     "gelu"},
    {{"h=f{0.5}; one=f{1}; k=f{0.79788456}; c=f{0.044715}; three=f{3}; two=f{2}; f=f{4}; "
      "v=Pow(x,f); w=Mul(v,c); s=Add(x,w); p=Mul(s,k); t=Tanh(p); a=Add(t,one); q=Mul(x,a); "
      "y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.345237856 -0.173761258 1.97408953 -2.18870451"},
     NULL},
    {{"h=f{0.5}; one=f{1}; k=f{0.79788456}; c=f{0.044715}; three=f{3}; two=f{2}; f=f[4]{3,3,3,2}; "
      "v=Pow(x,f); w=Mul(v,c); s=Add(x,w); p=Mul(s,k); t=Tanh(p); a=Add(t,one); q=Mul(x,a); "
      "y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.34571401 -0.100428423 1.95459769 -0.0467837579"},
     NULL},
    {{"h=f{0.5}; one=f{1}; k=f{0.79788456}; c=f{0.044715}; three=f{3}; two=f{2}; v=Pow(two,x); "
      "w=Mul(v,c); s=Add(x,w); p=Mul(s,k); t=Tanh(p); a=Add(t,one); q=Mul(x,a); y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.355350958 -0.128418421 1.94004996 -0.0250182404"},
     NULL},
    {{"h=f{0.5}; one=f{1}; k=f{0.79788456}; c=f{0.044715}; three=f{3}; two=f{2}; e=Exp(x); "
      "v=Pow(e,two); w=Mul(v,c); s=Add(x,w); p=Mul(s,k); t=Tanh(p); a=Add(t,one); q=Mul(x,a); "
      "y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.364726299 -0.125895983 1.99833023 -0.0248022726"},
     NULL},
    {{"h=f{0.5}; one=f{1}; k=f{0.79788456}; c=f{0.044715}; three=f{3}; two=f{2}; p=Mul(x,k); "
      "t=Tanh(p); a=Add(t,one); q=Mul(x,a); y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.344760893 -0.125486875 1.9210292 -0.0247979224"},
     NULL},
    {{"h=f{0.5}; one=f{1}; k=f{0.79788456}; c=f{0.044715}; three=f{3}; two=f{2}; v=Pow(x,three); "
      "w=Mul(v,c); s=Add(x,w); t=Tanh(s); a=Add(t,one); q=Mul(x,a); y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.366625385 -0.0532628869 1.98224714 -0.000664670391"},
     NULL},
    {{"h=f{0.5}; one=f{1}; k=f{0.79788456}; c=f{0.044715}; three=f{3}; two=f{2}; v=Pow(x,three); "
      "w=Mul(v,c); s=Add(x,w); p=Mul(s,k); t=Tanh(p); a=Sub(one,t); q=Mul(x,a); y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.15428599 -1.39957158 0.0454023059 -2.99636261"},
     NULL},
    {{"h=f{0.5}; one=f{1}; k=f{0.79788456}; c=f{0.044715}; three=f{3}; two=f{2}; v=Pow(x,three); "
      "w=Mul(v,c); s=Add(x,w); p=Div(k,s); t=Tanh(p); a=Add(t,one); q=Mul(x,a); y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.479577245 -0.413338705 1.32606041 -1.21889783"},
     NULL},
    {{"h=f{0.5}; one=f{1}; k=f{0.79788456}; c=f{0.044715}; three=f{3}; two=f{2}; v=Pow(x,three); "
      "w=Mul(v,c); s=Add(x,w); m=Mul(s,x); n=Mul(m,x); p=Mul(n,k); t=Tanh(p); a=Add(t,one); "
      "q=Mul(x,a); y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.275127491 -0.00398679466 1.99999942 -0"},
     NULL},
    {{"h=f{0.5}; one=f{1}; k=f{0.79788456}; c=f{0.044715}; three=f{3}; two=f{2}; v=Pow(x,three); "
      "w=Mul(v,c); u=Add(x,w); s=Add(u,one); p=Mul(s,k); t=Tanh(p); a=Add(t,one); q=Mul(x,a); "
      "y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.45851165 -0.392099315 1.99062489 -0.0178549335"},
     NULL},
    {{"h=f{0.5}; one=f{1}; k=f{0.79788456}; c=f{0.044715}; three=f{3}; two=f{2}; v=Pow(x,two); "
      "w=Mul(v,c); s=Add(x,w); p=Mul(s,k); t=Tanh(p); a=Add(t,one); q=Mul(x,a); y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.346663877 -0.145225139 1.94004996 -0.0467837579"},
     NULL},
    {{"h=f{0.5}; one=f{1}; k=f{0.79788456}; c=f{0.044715}; three=f{3}; two=f{2}; v=Pow(x,three); "
      "s=Add(x,v); p=Mul(s,k); t=Tanh(p); a=Add(t,one); q=Mul(x,a); y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.36526918 -0.000627148285 1.99999977 -0"},
     NULL},
    {{"h=f{0.5}; one=f{1}; k=f{0.79788456}; c=f{0.044715}; three=f{3}; two=f{2}; s=Add(x,x); "
      "p=Mul(s,k); t=Tanh(p); a=Add(t,one); q=Mul(x,a); y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.415713115 -0.0123989612 1.99662587 -0.000208395694"},
     NULL},
    {{"h=f{0.5}; one=f{1}; k=f{0.79788456}; c=f{0.044715}; three=f{3}; two=f{2}; e=Exp(x); "
      "v=Mul(e,x); w=Mul(v,c); s=Add(x,w); p=Mul(s,k); t=Tanh(p); a=Add(t,one); q=Mul(x,a); "
      "y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.350986061 -0.122767862 1.97176238 -0.0245371885"},
     NULL},
    {{"h=f{0.5}; one=f{1}; k=f{0.79788456}; c=f{0.044715}; three=f{3}; two=f{2}; e=Exp(x); "
      "b=Sigmoid(x); v=Mul(e,b); w=Mul(v,c); s=Add(x,w); p=Mul(s,k); t=Tanh(p); a=Add(t,one); "
      "q=Mul(x,a); y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.352488649 -0.125821261 1.9496268 -0.0248020662"},
     NULL},
    {{"h=f{0.5}; one=f{1}; k=f{0.79788456}; c=f{0.044715}; three=f{3}; two=f{2}; e=Exp(x); "
      "b=Sigmoid(x); v=Add(e,b); s=Add(x,v); p=Mul(s,k); t=Tanh(p); a=Add(t,one); q=Mul(x,a); "
      "y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.494067137 -0.2227375 1.99999985 -0.028919125"},
     NULL},
    {{"h=f{0.5}; one=f{1}; k=f{0.79788456}; c=f{0.044715}; three=f{3}; two=f{2}; e=Exp(x); "
      "b=Sigmoid(x); v=Mul(e,b); p=Mul(v,k); t=Tanh(p); a=Add(t,one); q=Mul(x,a); y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.418609307 -0.77434964 1.99993826 -1.50282594"},
     NULL},
    {{"a=Neg(x); b=Neg(a); c=Neg(b); d=Neg(c); e=Neg(d); f=Neg(e); g=Neg(f); h=Neg(g); i=Neg(h); "
      "j=Neg(i); s=Sigmoid(j); y=Mul(x,s)",
      20, "0.5 -1.5 2 -3", "0.311229666 -0.273638286 1.76159416 -0.14227762"},
     NULL},
    {{"one=f{1}; a=Add(x,one); b=Add(a,one); c=Add(b,one); d=Add(c,one); e=Add(d,one); "
      "f=Add(e,one); g=Add(f,one); h=Add(g,one); i=Add(h,one); j=Add(i,one); y=Sub(j,one)",
      20, "0.5 -1.5 2 -3", "9.5 7.5 11 6"},
     NULL},
    /* the net's input is a value like any other: what it is added to, or multiplied with, is more than x */
    {{"t=Tanh(x); s=Sigmoid(t); p=Mul(x,t); y=Mul(p,s)", 20, "0.5 -1.5 2 -3",
      "0.141758205 0.391015464 1.39577209 0.805740092"},
     NULL},
    {{"three=f{3}; six=f{6}; t=Tanh(x); q=Add(t,three); a=Add(q,x); z=f{0}; c=Clip(a,z,six); "
      "y=Div(c,six)",
      20, "0.5 -1.5 2 -3", "0.66035286 0.0991419577 0.994004597 0"},
     NULL},
    {{"one=f{1}; t=Tanh(x); a=Abs(t); b=Add(x,a); s=Add(b,one); y=Div(t,s)", 20, "0.5 -1.5 2 -3",
      "0.235519656 -2.23411614 0.243193964 0.990158178"},
     NULL},
    {{"r=Relu(x); t=Tanh(r); a=Add(x,r); y=Sub(a,t)", 20, "0.5 -1.5 2 -3",
      "0.537882843 -1.5 3.03597242 -3"},
     NULL},
    {{"h=f{0.5}; one=f{1}; r=f{0.70710678}; u=Relu(x); p=Mul(u,r); e=Erf(p); a=Add(e,one); "
      "b=Add(a,x); q=Mul(u,b); y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.47073123 -0 3.95449974 -0"},
     NULL},
    {{"three=f{3}; six=f{6}; a=Sub(three,x); z=f{0}; c=Clip(a,z,six); y=Div(c,six)", 20,
      "0.5 -1.5 2 -3", "0.416666667 0.75 0.166666667 1"},
     NULL},
    {{"b=f{2}; p=Mul(x,b); s=Softplus(p); q=Div(s,b); t=Tanh(q); y=Mul(x,t)", 20, "0.5 -1.5 2 -3",
      "0.288058442 -0.0364333465 1.92932631 -0.00371352581"},
     NULL},
    {{"one=f{1}; a=Add(x,one); b=Add(a,one); c=Add(b,one); d=Add(c,one); e=Add(d,one); "
      "f=Add(e,one); g=Add(f,one); h=Add(g,one); i=Add(h,one); j=Add(i,one); t=Tanh(x); y=Sub(j,t)",
      20, "0.5 -1.5 2 -3", "10.0378828 9.40514825 11.0359724 7.99505475"},
     NULL},
    {{"h=f{0.5}; one=f{1}; k=f{0.79788456}; c=f{0.044715}; three=f{3}; two=f{2}; m=Mul(x,two); "
      "v=Pow(x,three); w=Mul(v,c); s=Add(m,w); p=Mul(s,k); t=Tanh(p); a=Add(t,one); q=Mul(x,a); "
      "y=Mul(q,h)",
      20, "0.5 -1.5 2 -3", "0.416336322 -0.00976262029 1.99809204 -3.03536863e-05"},
     NULL},
    {{"h=f{0.5}; one=f{1}; s=Sigmoid(x); a=Add(s,one); q=Mul(x,a); y=Mul(q,h)", 20, "0.5 -1.5 2 -3",
      "0.405614833 -0.886819143 1.88079708 -1.57113881"},
     NULL},
    {{"one=f{1}; d=Sub(x,x); s=Add(d,one); y=Div(x,s)", 20, "0.5 -1.5 2 -3", "0.5 -1.5 2 -3"},
     NULL},
};

/* The last layer's, where the net is nothing but that. */
static const char *activation_of(const relud_model *model)
{
    const struct relud_model_info *info = relud_model_info(model);
    return info->steps == 1 && info->layers == 1 ? relud_model_layer(model, 0)->activation : NULL;
}

START_TEST(compositions_are_known_or_left_alone)
{
    for (size_t i = 0; i < sizeof compositions / sizeof *compositions; i++) {
        struct buffer bytes = onnx_of(compositions[i].net.net, compositions[i].net.opset);
        struct relud_error error = {0};
        relud_model *model = onnx_load(&bytes, &error);
        free(bytes.at);
        ck_assert_msg(model != NULL, "%s: %s", compositions[i].net.net, error.text);
        const char *wanted = compositions[i].activation, *is = activation_of(model);
        ck_assert_msg(wanted ? is && strcmp(is, wanted) == 0 : is == NULL, "%s: %s",
                      compositions[i].net.net, is ? is : "not one activation");
        onnx_check_answer(&compositions[i].net, model);
        relud_model_release(model);
    }
}
END_TEST

RUN_SUITE("onnx_fuse", compositions_are_known_or_left_alone)
