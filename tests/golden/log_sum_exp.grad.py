def loss_grad(x):
    """Gradient of loss with respect to x.

    x: float64[:]
    """
    m = x.max()  # line 9
    t = np.exp(x - m)  # line 10
    return t / np.sum(t)
