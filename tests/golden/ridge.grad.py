def loss_grad(w, X, y, strength):
    """Gradient of loss with respect to w, strength.

    w: float64[:], X: float64[:, :], y: float64[:], strength: float
    """
    r = X @ w - y  # line 7
    return 2 / X.shape[0] * (X.T @ r) + 2 * strength * w, float(w @ w)
