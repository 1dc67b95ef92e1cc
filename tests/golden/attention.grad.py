def loss_grad(Q, K, V, G):
    """Gradient of loss with respect to Q, K, V.

    Q: float64[:, :], K: float64[:, :], V: float64[:, :], G: float64[:, :]
    """
    t = Q.shape[1] ** -0.5
    s = Q @ K.T / np.sqrt(K.shape[1])  # line 9
    e = np.exp(s - s.max(axis=-1, keepdims=True))  # line 10
    t_1 = e.sum(axis=-1, keepdims=True)  # line 11
    P = e / t_1  # line 11
    ds = P * (G @ V.T - (G * (e @ V)).sum(axis=1, keepdims=True) / t_1)
    return t * (ds @ K), t * (ds.T @ Q), P.T @ G
