def loss_grad(x, A, b):
    """Gradient of loss with respect to x.

    x: float64[:], A: float64[:, :], b: float64[:]
    """
    return 2 * (A.T @ (A @ x - b))
