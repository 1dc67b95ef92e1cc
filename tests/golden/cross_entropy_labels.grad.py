def loss_grad(W, X, labels):
    """Gradient of loss with respect to W.

    W: float64[:, :], X: float64[:, :], labels: int64[:]
    """
    z = X @ W  # line 9
    m = z.max(axis=1, keepdims=True)  # line 10
    t = np.exp(z - m)  # line 11
    t_1 = np.arange(labels.shape[0])
    t_2 = np.zeros((X.shape[0], W.shape[1]))
    t_2[t_1, labels] = 1
    t_3 = t * (t_2.sum(axis=1, keepdims=True) / t.sum(axis=1, keepdims=True))
    t_3[t_1, labels] -= 1
    return X.T @ t_3 / labels.shape[0]
