"""One unit at a time: Gibbs sweeps over bits that are linked in pairs."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from genviz.rng import Rng
from genviz.samplers.spins import TIE


def sweep(
    s: Float[Tensor, "n k"],
    W: Float[Tensor, "k k"],
    b: Float[Tensor, " k"],
    rng: Rng,
    units: Sequence[int] | None = None,
    temperature: float = 1.0,
) -> tuple[Float[Tensor, "n k"], Float[Tensor, "n k"]]:
    """Each of `units` (all of them) in turn, in an order drawn for the sweep: s_i is 1 with probability σ((s·W_i + b_i) / T).

    `W` is symmetric with a diagonal of 0; all chains move at once, one unit of each. It leaves exp(-E/T) as it is, for
    E = -½ sᵀWs - b·s nats. At temperature 0 a unit follows the sign of its input. Returns the states, and the input that each
    unit had when its turn came (0 for those passed over).

    Source: Geman & Geman, *Stochastic relaxation, Gibbs distributions*, PAMI 1984.
    """
    x, order = s.T.contiguous(), rng.permutation(len(W) if units is None else len(units))  # a unit a row
    order = order if units is None else torch.as_tensor(units)[order]
    hurdle = temperature * torch.logit(rng.uniform(*x.shape).to(x.dtype), 1e-7) if temperature else torch.zeros_like(x)
    above, rows, others, turned = b[:, None] - hurdle, x.unbind(0), W.unbind(0), x.T
    lead = above.unbind(0)  # how far the input is above its hurdle: the unit is on if it is
    for i in order.tolist():
        lead[i].addmv_(turned, others[i])
        if temperature:
            torch.gt(lead[i], 0, out=rows[i])
        else:
            rows[i].copy_(torch.where(lead[i].abs() <= TIE, rows[i], (lead[i] > 0).to(x.dtype)))
    gap = above.add_(hurdle)
    if units is not None:
        passed = torch.ones(len(W), dtype=torch.bool).index_fill_(0, order, False)
        gap[passed] = 0
    return turned.contiguous(), gap.T
