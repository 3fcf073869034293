"""Conformance suites: small real workflows whose units were derived by hand, one suite per engine."""
