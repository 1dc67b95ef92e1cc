def loss_grad(params, X, y):
    """Gradient of loss with respect to params.

    params["w"]: float64[:], params["b"]: float, X: float64[:, :], y: float64[:]
    """
    r = X @ params["w"] + params["b"] - y  # line 9
    return {"w": X.T @ r / X.shape[0], "b": float(r.sum() / X.shape[0])}
