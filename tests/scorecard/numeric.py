"""E. The numeric promise: rows 35 to 38."""
from card import row
from subject import run_test


@row(37, "E", "the same bits with every instruction set", "scalar, AVX2 and AVX-512 paths equal a chain of fmaf")
def same_on_every_cpu():
    passed, failed = run_test("unit/test_linear")
    return failed == 0, f"{passed} of {passed + failed} checks of test_linear"
