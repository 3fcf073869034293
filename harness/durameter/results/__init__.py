"""The record of a measurement: models, folder, proof, and whether it can be trusted. The others stand on it."""
