def loss_grad(x, A):
    """Gradient of loss with respect to x, A.

    x: float64[:], A: float64[:, :]
    """
    return A @ x + x @ A, np.outer(x, x)
