"""When a run is looked at and kept: pure functions of the step and of what is in the journal."""

import math

SHARE = 0.15  # of the time that pictures may take; those at powers of two and costlier ones come on top: 0.2 at most
FRAMES = 200  # pictures of a whole run, besides those at powers of two
SHORT = 64  # steps of a run of which each is pictured and kept, whatever it costs
FIRST = 4  # all steps up to this one are pictured; they tell what a picture costs
SMALL = 8 << 20  # bytes of all keyframes below which there may be one every 1 %
APART = 64  # steps between keyframes: one costs about as much as a step, so that all of them cost under 2 %


def doubling(step: int) -> bool:
    return step & (step - 1) == 0


def pictured(step: int, every: int) -> bool:
    return step <= FIRST or doubling(step) or (every > 0 and step % every == 0)


def spacing(until: int, picture: float, step: float) -> int:
    """Steps between pictures, from the seconds that one of each takes."""
    if until <= SHORT:
        return 1
    allowed = picture * (1 - SHARE) / (SHARE * max(step, 1e-9))
    return max(1, until // FRAMES, math.ceil(allowed))


def is_small(size: int, until: int) -> bool:
    """Whether a run of models of that size can afford a keyframe every 1 %."""
    return size * (100 + until.bit_length()) < SMALL


def kept(step: int, until: int, small: bool) -> bool:
    return doubling(step) or (small and until <= SHORT) or step % max(APART, until // (100 if small else 20)) == 0


def measured(step: int, until: int) -> bool:
    """Whether the costlier figures are due: at tenths of the run, and at powers of two before the first of them."""
    tenth = max(1, until // 10)
    return step % tenth == 0 or (64 <= step < tenth and doubling(step))
