"""The main job: kappa-guided search against plain TPE on the MNIST model."""
