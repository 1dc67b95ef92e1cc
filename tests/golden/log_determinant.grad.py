def loss_grad(A):
    """Gradient of loss with respect to A.

    A: float64[:, :]
    """
    return np.linalg.inv(A).T
