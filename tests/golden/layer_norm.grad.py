def loss_grad(x, gain, bias, G):
    """Gradient of loss with respect to x, gain, bias.

    x: float64[:, :], gain: float64[:], bias: float64[:], G: float64[:, :]
    """
    mu = x.mean(axis=1, keepdims=True)  # line 9
    c = x - mu  # line 10
    v = (c ** 2).mean(axis=1, keepdims=True)  # line 11
    s = np.sqrt(v + 1e-05)  # line 12
    t = G * c
    dc = (G * gain - c * ((t @ gain)[:, None] / (x.shape[1] * s ** 2))) / s
    return dc - dc.sum(axis=1, keepdims=True) / x.shape[1], t.T @ (1 / s[:, 0]), G.sum(axis=0)
