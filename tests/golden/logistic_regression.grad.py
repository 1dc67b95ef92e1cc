def loss_grad(w, X, y):
    """Gradient of loss with respect to w.

    w: float64[:], X: float64[:, :], y: float64[:]
    """
    p = 1 / (1 + np.exp(-(X @ w)))  # line 9
    return X.T @ ((p - y) / X.shape[0])
