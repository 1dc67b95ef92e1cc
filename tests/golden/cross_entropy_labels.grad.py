def loss_grad(W, X, labels):
    """Gradient of loss with respect to W.

    W: float64[:, :], X: float64[:, :], labels: int64[:]
    """
    z = X @ W  # line 9
    m = z.max(axis=1, keepdims=True)  # line 10
    t = np.exp(z - m)  # line 11
    t_1 = t / t.sum(axis=1, keepdims=True)
    t_1[np.arange(X.shape[0]), labels] -= 1
    return X.T @ (t_1 / X.shape[0])
