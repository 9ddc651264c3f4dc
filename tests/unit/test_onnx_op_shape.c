/* Operations that make constants and shapes. */
#include "tests/unit/onnx_case.h"

static const struct onnx_case cases[] = {
    {"s=i[2]{-1,2}; y=Reshape(x,s)", 17, "1 2 3 4", "1 2 3 4"},
    {"s=i[3]{0,2,2}; t=Reshape(x,s); y=Transpose(t) perm=[0,2,1]", 17, "1 2 3 4 5 6 7 8", "1 3 2 4 5 7 6 8"},
};

START_TEST(shapes)
{
    onnx_check_all(cases, sizeof cases / sizeof *cases);
}
END_TEST

RUN_SUITE("onnx_op_shape", shapes)
