"""QuantLib as the independent reference of stochastic-volatility prices."""

from __future__ import annotations

import QuantLib


def quantlib_price(model, is_call, spot, strike, days, rate, dividend, jumps=None):
    """QuantLib's analytic price of one option; ``days`` of a 365-day year."""
    today = QuantLib.Date(15, 6, 2024)
    QuantLib.Settings.instance().evaluationDate = today
    count = QuantLib.Actual365Fixed()
    curves = [
        QuantLib.YieldTermStructureHandle(QuantLib.FlatForward(today, number, count)) for number in (rate, dividend)
    ]
    quote = QuantLib.QuoteHandle(QuantLib.SimpleQuote(spot))
    state = (model.initial_variance, model.reversion_per_year, model.long_run_variance, model.vol_of_variance)
    if jumps is None:
        process = QuantLib.HestonProcess(*curves, quote, *state, model.correlation)
        engine = QuantLib.AnalyticHestonEngine(QuantLib.HestonModel(process), 1e-13, 100_000)
    else:
        jump = (jumps.jumps_per_year, jumps.log_mean, jumps.log_stdev)
        process = QuantLib.BatesProcess(*curves, quote, *state, model.correlation, *jump)
        engine = QuantLib.BatesEngine(QuantLib.BatesModel(process), 192)
    side = QuantLib.Option.Call if is_call else QuantLib.Option.Put
    exercise = QuantLib.EuropeanExercise(today + days)
    option = QuantLib.VanillaOption(QuantLib.PlainVanillaPayoff(side, strike), exercise)
    option.setPricingEngine(engine)
    return option.NPV()
