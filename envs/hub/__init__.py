"""The eight scenarios for LeRobot: `env.py` is what its EnvHub loads, `world` what it starts."""
