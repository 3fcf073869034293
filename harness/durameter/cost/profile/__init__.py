"""Profiles: what a task costs as a function of its shape, fitted from the ledger."""

from durameter.cost.profile.fit import fit_profile
from durameter.cost.profile.model import Profile
from durameter.cost.profile.records import (
    FIXED,
    RETRIES,
    Coefficient,
    Covariate,
    KindLine,
    Lines,
    Noise,
    Prediction,
    ReadingName,
    Retries,
    Term,
    WorstTask,
)

__all__ = [
    "FIXED",
    "RETRIES",
    "Coefficient",
    "Covariate",
    "KindLine",
    "Lines",
    "Noise",
    "Prediction",
    "Profile",
    "ReadingName",
    "Retries",
    "Term",
    "WorstTask",
    "fit_profile",
]
