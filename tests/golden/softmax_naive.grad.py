def loss_grad(W, b, X, Y):
    """Gradient of loss with respect to W, b.

    W: float64[:, :], b: float64[:], X: float64[:, :], Y: float64[:, :]
    """
    z = X @ W + b  # line 9
    t = np.exp(z)  # line 10
    p = t / t.sum(axis=1, keepdims=True)  # line 10
    dz = (p * Y.sum(axis=1, keepdims=True) - Y) / X.shape[0]
    return X.T @ dz, dz.sum(axis=0)
