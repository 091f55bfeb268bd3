"""Terms of European options on spot, checked and brought to one shape for the models that value them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agent.numerics.arrays import FloatArray
from agent.numerics.rows import as_flags, as_floats, common_shape, require_domain
from agent.numerics.series import FINITE, POSITIVE


class OptionTerms(NamedTuple):
    """Arrays of one shape."""

    is_call: NDArray[np.bool_]
    spot_usd: FloatArray
    strike_usd: FloatArray
    tau_years: FloatArray
    rate_annual: FloatArray
    dividend_annual: FloatArray

    @property
    def growth(self) -> FloatArray:
        """Forward over spot."""
        return np.asarray(np.exp((self.rate_annual - self.dividend_annual) * self.tau_years))

    @property
    def discount(self) -> FloatArray:
        """Value today of 1 USD at expiry."""
        return np.asarray(np.exp(-self.rate_annual * self.tau_years))

    @property
    def carry(self) -> FloatArray:
        """Units held today that have become one at expiry, dividends reinvested."""
        return np.asarray(np.exp(-self.dividend_annual * self.tau_years))


def option_terms(
    is_call: ArrayLike,
    spot_usd: ArrayLike,
    strike_usd: ArrayLike,
    tau_years: ArrayLike,
    rate_annual: ArrayLike,
    dividend_annual: ArrayLike,
) -> OptionTerms:
    """Return the terms, broadcast, or raise `DataError` naming row, field and value of a bad one."""
    flags = as_flags("is_call", is_call)
    parts = {
        "spot_usd": as_floats("spot_usd", spot_usd),
        "strike_usd": as_floats("strike_usd", strike_usd),
        "tau_years": as_floats("tau_years", tau_years),
        "rate_annual": as_floats("rate_annual", rate_annual),
        "dividend_annual": as_floats("dividend_annual", dividend_annual),
    }
    shape = common_shape({"is_call": flags, **parts})
    for name, numbers in parts.items():
        require_domain(name, numbers, FINITE if name.endswith("_annual") else POSITIVE, shape)
    return OptionTerms(np.broadcast_to(flags, shape), *(np.broadcast_to(part, shape) for part in parts.values()))
