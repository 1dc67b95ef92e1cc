def loss_grad(Q, K, V, G):
    """Gradient of loss with respect to Q, K, V.

    Q: float64[:, :], K: float64[:, :], V: float64[:, :], G: float64[:, :]
    """
    s = Q @ K.T / np.sqrt(K.shape[1])  # line 9
    e = np.exp(s - s.max(axis=-1, keepdims=True))  # line 10
    t = e.sum(axis=-1, keepdims=True)  # line 11
    P = e / t  # line 11
    t_1 = Q.shape[1] ** -0.5
    ds = P * (G @ V.T - (G * (e @ V)).sum(axis=1, keepdims=True) / t)
    return t_1 * (ds @ K), t_1 * (ds.T @ Q), P.T @ G
