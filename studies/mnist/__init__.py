"""The paper's experiment: a small network on MNIST. Data, model, training and Optuna objective."""
