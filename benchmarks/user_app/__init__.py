"""What a user would write today: Hydra, its Optuna sweeper and its joblib launcher, all stock."""
