def loss_grad(p):
    """Gradient of loss with respect to p.

    p: float64[:]
    """
    p_0, p_1 = p.tolist()  # line 9
    t = p_0 + p_1 * p_1 - 7  # line 9
    t_1 = p_0 * p_0 + p_1 - 11  # line 9
    return np.array((2.0 * t + 4.0 * p_0 * t_1, 4.0 * p_1 * t + 2.0 * t_1))
