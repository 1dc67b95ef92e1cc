def loss_grad(u):
    """Gradient of loss with respect to u.

    u: float64[:]
    """
    d = u[2:] - 2 * u[1:-1] + u[:-2]  # line 9
    t = 2 * d
    du = np.zeros(u.shape[0])
    du[1:-1] = -4 * d
    du[2:] += t
    du[:-2] += t
    return du
