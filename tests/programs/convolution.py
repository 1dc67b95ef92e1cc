"""A convolutional layer by explicit loops over the pixels."""

import numpy as np

ARGNUMS = ("kernel", "bias", "image")
ANALYTIC = False


def convolve(image, kernel):
    H, W = image.shape
    kh, kw = kernel.shape
    out = np.zeros((H - kh + 1, W - kw + 1))
    for i in range(H - kh + 1):
        for j in range(W - kw + 1):
            out[i, j] = np.sum(image[i : i + kh, j : j + kw] * kernel)
    return out


def loss(kernel, bias, image, target):
    return np.mean((np.tanh(convolve(image, kernel) + bias) - target) ** 2)


def arguments(rng, scale=1):
    H, W, kh, kw = 5 * scale, 4 + 2 * scale, 3, 2
    image, target = rng.normal(size=(H, W)), rng.normal(size=(H - kh + 1, W - kw + 1))
    return 0.4 * rng.normal(size=(kh, kw)), 0.1, image, target
