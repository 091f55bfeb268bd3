"""Bates's model: Heston's variance and Merton's jumps in one; priced by `agent.vol.fourier.model_greeks`.

The two are independent, so the logarithms of their characteristic functions add up.

Source: D. Bates, "Jumps and stochastic volatility: exchange rate processes implicit in Deutsche mark options", Review
of Financial Studies 9 (1996) 69-107.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agent.vol.fourier import ComplexArray
from agent.vol.heston import Heston
from agent.vol.merton import LognormalJumps


@dataclass(frozen=True, slots=True)
class Bates:
    """Stochastic variance with lognormal jumps in the price."""

    heston: Heston
    jumps: LognormalJumps

    def log_characteristic(self, u: ComplexArray, tau_years: float) -> ComplexArray:
        """Return ln E[exp(iu ln(S_T/F))]."""
        diffusion = self.heston.log_characteristic(u, tau_years)
        return np.asarray(diffusion + self.jumps.log_characteristic(u, tau_years))
