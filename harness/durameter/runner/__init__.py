"""Run a workload's tasks on engines, and count each as it ends."""
