"""What the tests of the firmware share."""

from elf import Elf

# Seconds for an answer: the machine that emulates may have much else to do.
PATIENCE = 50


def check(condition, *what):
    """Fails with what is wrong unless the condition holds."""
    if not condition:
        raise AssertionError(" ".join(map(str, what)))


def check_limits(elf, stack, most):
    """Shows what the firmware takes, and fails over the most of code, static RAM and stack, in bytes."""
    image = Elf(elf)
    over = []
    for name, size, limit in zip(("code", "static RAM", "stack, high-water mark"), (image.code(), image.ram(), stack), most):
        over += [name] * (size > limit)
        print("%-24s %6d B of %6d%s" % (name, size, limit, "   OVER ITS LIMIT" if size > limit else ""))
    check(not over, " and ".join(over), "over the limit")
