"""Texts to read as JSON, written for this table: what RFC 8259 takes, what it does not, and what it leaves to the reader. Bytes, because some are
no UTF-8."""

TAKEN = [
    # numbers
    b"0", b"-0", b"1", b"-1", b"10", b"1234567890", b"0.0", b"-0.0", b"0.5", b"1.25", b"1e5", b"1E5", b"1e+5", b"1e-5", b"1E-05", b"0e0", b"0e+0", b"0E-0",
    b"1.5e3", b"-1.5E+3", b"1e00000000005", b"1.00000000000000000000000000000000000000001", b"123456789012345678901234567890", b"0.1e1", b"3.4028234e38",
    b"1e-400", b"-1e-400", b"0." + b"0" * 400 + b"1", b"1" + b"0" * 30, b"1e-999999999999", b"0e999999999999", b"4.9e-324",
    # literals
    b"true", b"false", b"null", b"[true,false,null]",
    # strings
    b'""', b'"a"', b'" "', b'"\\""', b'"\\\\"', b'"\\/"', b'"/"', b'"\\b\\f\\n\\r\\t"', b'"\\u0041"', b'"\\u00e9"', b'"\\u00E9"', b'"\\uFFFF"', b'"\\ufffe"',
    b'"\\uD834\\uDD1E"', b'"\\ud83d\\ude00"', b'"\x7f"', '"\u00e9"'.encode(), '"\u20ac"'.encode(), '"\U0001d11e"'.encode(), '"\U0010ffff"'.encode(),
    '"\u2028\u2029"'.encode(), '"\ufeff"'.encode(), '"\ufffd"'.encode(), b'"\\u0022"', b'"\\u005c"', b'"\\u0020"', b'"\\u001f"', b'"\\\\u0000"', b'"a,]}"',
    '"\ue000"'.encode(), b'"\xc2\x80"', b'"\xed\x9f\xbf"', b'"\xee\x80\x80"', b'"\xf0\x90\x80\x80"', b'"\xe0\xa0\x80"', b'"// no comment"', b'"/* none */"',
    b'"' + b"a" * 5000 + b'"',
    # arrays
    b"[]", b"[ ]", b"[[]]", b"[[],[]]", b"[1]", b"[1,2]", b"[1 , 2]", b"\t[\n1\r,\t2 ]", b"[[1,2],[3,4]]", b"[[[1]]]", b"[null]", b'["a"]', b'[1,"a",null,{}]',
    b"[" + b"1," * 500 + b"1]", b"[" * 20 + b"]" * 20, b"[[1],[2,3]]", b"[1.5,-2e3,0]",
    # objects
    b"{}", b"{ }", b'{"a":1}', b'{"a":1,"b":2}', b'{ "a" : 1 }', b'{"":0}', b'{"a":{"b":{"c":[]}}}', b'{"a":[]}', b'{"a b":1}', b'{"\\u0061b":1}',
    b'{"a":1,"A":2}', '{"\u00e9":1}'.encode(), b'{"a":"b","c":null}', b'{"true":true}', b'{"a":\r\n\t1}', b'[{},{"a":1}]',
    # blanks
    b" 1", b"1 ", b"\n1\n", b"\t1", b"\r1", b" \t\r\n1\r\n\t ",
]
REFUSED = [
    # numbers
    b"", b" ", b"+1", b"++1", b"-", b"--1", b"- 1", b"01", b"-01", b"00", b"007", b"1.", b"-1.", b".5", b"-.5", b"1.e5", b"1e", b"1e+", b"1e-", b"1E", b"1ee5",
    b"1e5.5", b"1.2.3", b"1e5e5", b"0x10", b"0b1", b"0o7", b"1_000", b"1,000.5.", b"1a", b"1f", b"1d", b"1L", b"1 2", b"1-2", b"1+2", b"0e", b"0e+",
    b"1e0x1", b"1e 5", b"1 e5", b"1. 5", b"$1", b"1%", b"\xef\xbc\x91", b"\xd9\xa1", b"\xe2\x88\x921", b"1\x00", b"\x001", b"0.", b"0.e1", b"-e5", b"e5",
    b"1e1.0", b"'1'", b"(1)", b"1;",
    # not numbers
    b"NaN", b"-NaN", b"nan", b"Infinity", b"-Infinity", b"+Infinity", b"inf", b"Inf", b"-inf", b"INFINITY", b"1.#INF", b"[NaN]", b'{"a":Infinity}', b"NaN(1)",
    # literals
    b"True", b"FALSE", b"Null", b"nul", b"nulll", b"tru", b"truee", b"fals", b"none", b"undefined", b"true false", b"t", b"n", b"tr\x00ue", b"yes", b"nil",
    b"null1",
    # strings
    b'"', b'"a', b'a"', b"'a'", b"`a`", b'"a\\"', b'"\\a"', b'"\\x41"', b'"\\\'"', b'"\\0"', b'"\\u"', b'"\\u1"', b'"\\u12"', b'"\\u123"', b'"\\u123g"',
    b'"\\U0041"', b'"\\u+041"', b'"\\u 041"', b'"\\u-041"', b'"\\u{41}"', b'"\\"', b'"a\nb"', b'"a\tb"', b'"a\rb"', b'"\x00"', b'"\x01"', b'"\x1f"',
    b'"a" "b"', b'"a"b', b'""a', b'"\\ "', b'"\\\n"', b'"\\v"', b'"\\e"', b"a", b"abc", b'"a"+"b"',
    # no UTF-8
    b'"\xff"', b'"\xfe"', b'"\x80"', b'"\xbf"', b'"\xc0\xaf"', b'"\xc1\x81"', b'"\xc3"', b'"\xc3("', b'"\xe2\x82"', b'"\xe2(\xa1"', b'"\xe0\x80\xaf"',
    b'"\xe0\x9f\xbf"', b'"\xed\xa0\x80"', b'"\xed\xbf\xbf"', b'"\xf0\x80\x80\xaf"', b'"\xf0\x8f\xbf\xbf"', b'"\xf4\x90\x80\x80"', b'"\xf5\x80\x80\x80"',
    b'"\xf0\x9f\x98"', b'"\xf8\x88\x80\x80\x80"', b'"\xe9"', b"\xff", b"[\xff]", b'{"\xff":1}', b'{"\xed\xa0\x80":1}', b'"\xc3', b"\xef\xbb\xbf1",
    b"\xfe\xff\x001",
    # arrays
    b"[", b"]", b"[1", b"1]", b"[1,", b"[,", b"[,]", b"[,1]", b"[1,]", b"[1,,2]", b"[1 2]", b"[1;2]", b"[1:2]", b"[[1]", b"[1]]", b"[1}", b"(1,2)", b"[1,[]",
    b"[*]", b"[1,\n", b'["a",', b'["a"', b"[1 true]", b"[1,#]", b"[\x0c1]", b"[\x0b1]", b"[\xc2\xa01]", b"[\xe2\x80\xa81]", b"[1]x", b"[1],", b"[]]",
    b"[][]", b"[1,...]", b"[1\x002]",
    # objects
    b"{", b"}", b"{]", b"[}", b'{"a"', b'{"a":', b'{"a":1', b'{"a":1,', b'{"a":1,}', b'{,"a":1}', b'{"a":1,,"b":2}', b'{"a" 1}', b'{"a","b"}', b'{"a"=1}',
    b'{"a"=>1}', b"{a:1}", b"{'a':1}", b"{1:1}", b"{null:1}", b'{"a":}', b'{:1}', b'{"a"::1}', b'{"a":1 "b":2}', b'{"a":1;"b":2}', b'{"a":1}}', b'{"a":1}x',
    b"{[]:1}", b'{"a":1,"b"}', b'{"a":.}', b'{"\\x":1}',
    # comments and the like
    b"1//", b"1/**/", b"/**/1", b"#1", b"1#", b"[1,/*2*/3]", b"{/**/}", b'{"a":1}//', b"--1", b"<!-- -->", b"@1", b"\\1", b"\x0c1", b"1\x0c", b"\x0b1",
    b"\xc2\xa01", b"\xe2\x80\xa91", b"\x851", b"1\x1a", b"\x7f1",
]
# What the RFC leaves open (§4, §7, §8.2, §9), Python takes and relud does not: {words of its error: texts}.
OPEN = {
    "stands twice": [b'{"a":1,"a":2}', b'{"a":1,"a":1}', b'{"a":1,"\\u0061":2}', b'{"":1,"":2}', b'[{"a":1,"b":2,"a":3}]', b'{"a":{"b":1,"b":2}}'],
    "nested deeper": [b"[" * 40 + b"]" * 40, b'{"a":' * 40 + b"1" + b"}" * 40, b"[" * 900 + b"1" + b"]" * 900],
    "surrogate": [b'"\\ud800"', b'"\\udc00"', b'"\\ud800\\ud800"', b'"\\udc00\\ud800"', b'"\\ud800a"', b'"a\\udbff"', b'"\\uDFFF\\u0041"', b'["\\ud83d"]',
                  b'{"\\ud800":1}', b'"\\ud800\\n"'],
    "\\\\u0000": [b'"\\u0000"', b'"a\\u0000b"', b'{"\\u0000":1}', b'["\\u0000"]'],
}
# Numbers that RFC 8259 §6 allows and no float32 holds: taken where they are no input, refused where they are.
TOO_GREAT = [b"1e999", b"-1e999", b"1e39", b"-1e39", b"3.5e38", b"3.4028236e38", b"1" + b"0" * 400, b"-" + b"9" * 39, b"1e99999999999999999999",
             b"1.7976931348623157e308", b"1e309"]
# Numbers that a float32 holds, or holds nearly.
NUMBERS = [b"1e-400", b"-1e-400", b"1e38", b"-1e38", b"3.4028234663852886e38", b"3.4028235e38", b"3.40282356e38", b"1e-45", b"7e-46", b"7.1e-46",
           b"1.17549435e-38", b"1.1754943e-38", b"16777217", b"16777219", b"0.1", b"0.30000001192092896", b"1e0", b"-0.0", b"0e5", b"1" + b"0" * 38,
           b"0." + b"3" * 4300, b"1" * 30 + b"." + b"1" * 4270, b"0." + b"0" * 4300 + b"1", b"1e-4300", b"8388608.5", b"8388609.5", b"2.3509887e-38",
           b"9007199254740993", b"100000000000000016777215", b"1.00000017881393421514957253748434595763683319091796875001", b"1.00000017881393432617187499",
           b"1.000000178813934326171875", b"1.00000017881393432617187501"]
MALFORMED_NUMBERS = [b"01", b"1.", b".5", b"+1", b"1e", b"0x10", b"1e+", b"-", b"00", b"1.e1", b"1_0", b"1e5.5", b"--1", b"\xef\xbc\x91", b"1f"]
