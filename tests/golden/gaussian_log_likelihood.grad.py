def loss_grad(mu, S, X):
    """Gradient of loss with respect to mu, S.

    mu: float64[:], S: float64[:, :], X: float64[:, :]
    """
    d = X - mu  # line 9
    n = X.shape[0]  # line 10
    t = np.linalg.inv(S)  # line 11
    t_1 = t.T
    return (0.5 * (d @ t_1) + 0.5 * (d @ t)).sum(axis=0), 0.5 * (t_1 @ (d.T @ d @ t_1)) - 0.5 * n * t_1
