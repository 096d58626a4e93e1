"""How often the probabilities hold that `optuna_kappa.study.certainty` states, in replays."""
