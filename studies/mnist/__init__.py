"""The paper's experiment: a small network on MNIST, its data, model, training and objective."""
