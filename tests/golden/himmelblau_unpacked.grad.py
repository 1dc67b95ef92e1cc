def loss_grad(p):
    """Gradient of loss with respect to p.

    p: float64[:]
    """
    x, y = p.tolist()  # line 9
    t = x + y * y - 7  # line 10
    t_1 = x * x + y - 11  # line 10
    return np.array((2.0 * t + 4.0 * x * t_1, 4.0 * y * t + 2.0 * t_1))
