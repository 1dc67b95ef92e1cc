def loss_grad(W1, b1, W2, b2, W3, b3, X, Y):
    """Gradient of loss with respect to W1, b1, W2, b2, W3, b3.

    W1: float64[:, :], b1: float64[:], W2: float64[:, :], b2: float64[:], W3: float64[:, :], b3: float64[:], X: float64[:, :], Y: float64[:, :]
    """
    t = X @ W1 + b1  # line 11
    h1 = np.maximum(t, 0)  # line 11
    h2 = np.tanh(h1 @ W2 + b2)  # line 12
    z = h2 @ W3 + b3  # line 13
    e = np.exp(z - z.max(axis=1, keepdims=True))  # line 14
    p = e / e.sum(axis=1, keepdims=True)  # line 15
    dz = (p * Y.sum(axis=1, keepdims=True) - Y) / X.shape[0]
    t_1 = (1 - h2 ** 2) * (dz @ W3.T)
    t_2 = t_1 @ W2.T * (t > 0)
    return X.T @ t_2, t_2.sum(axis=0), h1.T @ t_1, t_1.sum(axis=0), h2.T @ dz, dz.sum(axis=0)
