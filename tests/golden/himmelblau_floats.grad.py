def loss_grad(x, y):
    """Gradient of loss with respect to x, y.

    x: float, y: float
    """
    t = x + y * y - 7  # line 7
    t_1 = x * x + y - 11  # line 7
    return 2.0 * t + 4.0 * t_1 * x, 4.0 * t * y + 2.0 * t_1
