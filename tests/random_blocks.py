"""The statements of random structured programs: mutation, views, containers, calls, loops, jumps.

Slots are those of ``random_statements``. The dots of a loop are its block; a loop of one line is a header.
"""

from __future__ import annotations

from random_statements import ASSIGNMENT_ROWS, blocks, lines

STORES = """
{V1}[{i}] = {s}
{V1}[{i}] = {s}
{V1}[{i}] += {s}
{V1}[{i}] += {s} * {V1}[{i}]
{V1}[{i}] *= {s}
{V1}[{i}] -= {V1}[0]
{V1}[1:] = {V2}[:-1]
{V1}[1:] += {V2}[:-1]
{V1}[:-1] *= {V2}[1:]
{V1}[1:] = {V1}[:-1]
{V1}[1:] += {V1}[:-1]
{V1}[:-1] -= 0.5 * {V1}[1:]
{V1}[1:-1] += 0.2 * ({V1}[2:] - 2 * {V1}[1:-1] + {V1}[:-2])
{V1}[::2] = {s}
{V1}[::2] *= {s}
{V1}[1::2] -= {s}
{V1}[::-1] += {v}
{V1}[::-1] = {V1}
{V1}[:2] = [{s}, {s}]
{V1}[-2:] += {s}
{V1}[{i}:] += {s}
{V1}[:{i}] *= {s}
{V1}[::-2] *= {s}
{V1}[np.arange(2) + {i}] += {s}
{V1}[np.arange(3) - 1] *= {s}
{V1}[:] = {v}
{V1}[...] = {s}
{V1}[{k}] = {s}
{V1}[{k}] *= {s}
{V1}[{V1} > 0.4] *= 0.5
{V1}[{V1} < 0.2] += {s}
{V1}[{V1} > 0.5] = {s}
{V1}[ENDS] = {s}
{V1}[ENDS] += {s}
{V1}[ENDS] += {V2}[ENDS]
{V1}[ENDS] = np.array([{s}, {s}, {s}])
{V1}[ENDS] *= np.array([{s}, {s}, 0.5])
{V1}[[1, 0]] = {V1}[[0, 1]]
{V1}[{P1}] = {s}
{V1}[{P1}] += {s}
{V1}[{P1}] = {V2}[{P1}] * {s}
np.add.at({V1}, ENDS, {s})
np.add.at({V1}, ENDS, {V2}[ENDS])
np.add.at({V1}, {P1}, {s})
np.add.at({V1}, {P1}, {V2}[{P1}])
np.tanh({V1}, out={V1})
np.multiply({V1}, {s}, out={V1})
np.add({V1}, {v}, out={V1})
np.sin({v}, out={V1})
np.multiply({V2}[1:], {s}, out={V1}[1:])
{V1} += {v}
{V1} += {V1}
{V1} -= {s}
{V1} *= {v}
{V1} *= 0.5
{V1} /= 1.5 + {V2} ** 2
{V1} **= 2
{M1}[{i}, {i}] = {s}
{M1}[{i}, {i}] += {s}
{M1}[{i}] = {v}
{M1}[{i}] += {v}
{M1}[{i}][0] = {s}
{M1}[:, {i}] += {v}
{M1}[:, 0] = {v}
{M1}[1:, 0] = {s}
{M1}[0, :] *= {s}
{M1}[1:, 1:] += {s}
{M1}[1:] -= {M1}[:-1]
{M1}[::2] = {v}
{M1}[1:-1, 1:-1] += 0.1 * ({M1}[2:, 1:-1] + {M1}[:-2, 1:-1] - 2 * {M1}[1:-1, 1:-1])
{M1} += {m}
{M1} += {v}
{M1} *= {s}
{M1} -= np.outer({v}, {v})
{M1}[{M1} > 0.5] = {s}
{M1}[{M1} < 0.1] *= {s}
np.fill_diagonal({M1}, {s})
np.fill_diagonal({M1}, {v})
np.add.at({M1}, (ENDS, 0), {s})
np.add.at({M1}, ENDS, {v})
{M1}[ENDS, 0] += {s}
{M1}[[0, 1], [1, 0]] = {M1}[[1, 0], [0, 1]]
{M1}.T[0] = {v}
{M1}[:, 0], {M1}[:, 1] = {v}, {v}
{V1}[0], {V1}[-1] = {V1}[-1], {V1}[0]
np.copyto({V1}, {v})
{V1}.fill({s})
"""

VIEWS = """
{N1} = {V1}[1:]; {N1} += {s}
{N1} = {V1}[1:]; {N1}[0] = {s}
{N1} = {V1}[::2]; {N1} *= {s}
{N1} = {V1}
{N1} = {V1}; {N1} += {v}
{N1} = {V1}; {N1}[{i}] = {s}
{N1} = {V1}; {N1} = {N1} + {v}
{N1} = {V1}[::-1]; {N1}[0] = {s}
{N1} = {V1}[::-2]; {N1}[-1] *= {s}
{N1} = {V1}[{i}:]; {N1} *= {s}
{N1} = {V1}[1:]; {V1}[1] = {s}
{N1} = {M1}[{i}]; {N1} *= {s}
{N1} = {M1}[:, 0]; {N1}[1] += {s}
{N1} = {M1}.T; {N1}[0, 1] = {s}
{N1} = {M1}[1:, 1:]; {N1}[0] += {s}
{N1} = {M1}[0]; {M1}[0, 0] = {s}; {N2} = {N1} * 2.0
{N1} = {V1}[:2]; {V1}[0] *= {s}; {N2} = np.sum({N1})
{N1} = {V1}.copy(); {N1}[0] = {s}
{N1} = tail({V1}); {N1}[0] = {s}
{N1}, {N2} = halves({V1}); {N1}[0] = {N2}[0]
{N1} = [{V1}, {V2}]; {N1}[0] += {s}
{N1} = [{V1}, {V2}]; {N1}[1][0] = {s}
{N1} = {"a": {V1}, "b": {V2}}; {N1}["a"] *= {s}
{N1} = ({V1}, {s}); {N1}[0][1] = {s}
{N1} = np.asarray({V1}); {N1}[0] += {s}
{N1} = {V1} if {b} else {V2}; {N1}[0] = {s}
"""

CREATIONS = """
{N1} = [{s}, {s}, {s}]
{N1} = [{v}, {v}]
{N1} = {"a": {s}, "b": {s}}
{N1} = {"a": {v}, "b": {v}}
{N1} = lambda t: t * {S1} + {s}
{N1} = Account({s})
{N1} = Savings({s})
{N1} = State({v}, {v})
{N1} = [t + {s} for t in {V1}]
{N1} = [row * {s} for row in {M1}]
{N1} = [{V1}[j] * j for j in range(3)]
"""

CONTAINERS = """
{N1} = [np.sum(row) for row in {M1}]; {N2} = {N1}[0] * {N1}[-1]
{N1} = sum(t * u for t, u in zip({V1}, {V2}))
{N1} = sum([t for t in {V1} if t > 0.2])
{L1}.append({s})
{N1} = {L1}.pop()
{L1}.append({s}); {N1} = {L1}.pop(0)
{L1}[0] = {s}
{L1}[-1] *= {s}
{L1} += [{s}]
{L1}.extend([{s}, {s}])
{L1} = [t * {s} for t in {L1}]
{N1} = sum({L1})
{N1} = np.array({L1})
{N1} = {L1}; {N1}.append({s})
{W1}.append({v})
{W1}[0] = {v}
{W1}[-1][0] += {s}
{N1} = sum({W1})
{N1} = np.stack({W1})
{N1} = np.concatenate({W1})
{D1}["a"] = {s}
{D1}["b"] += {s}
{D1}["c"] = {s}
{D1}.update(a={s})
{D1} = {**{D1}, "b": {s}}
{N1} = sum({D1}.values())
{N1} = {key: 0.5 * t for key, t in {D1}.items()}
{N1} = {D1}.get("a", 0.0) * {s}
{E1}["a"] = {v}
{E1}["b"] += {v}
{E1}["a"][0] = {s}
{N1} = Pair({s}, {v}); {N2} = {N1}.left * {N1}.right
{N1} = ({s}, {v}, {s}); {N2} = {N1}[0] * {N1}[2]
{N1}, *{N2} = [{s}, {s}, {s}]
{N1} = [[{s}, {s}], [{s}, {s}]]; {N1}[0][1] = {s}; {N2} = {N1}[0][1] * {N1}[1][0]
"""

CALLS = """
set_ends({V1}, {s})
set_ends({M1}[{i}], {s})
{N1} = grow({V1}, {s})
{N1} = grow({V1}.copy(), {v})
smooth({V1})
smooth({V1}, turns=3)
{N1} = saturated({s})
{N1}, {N2} = extremes({s}, {s})
{N1} = first_above({V1}, 0.3)
{N1} = horner({V1}, 0.5)
{N1} = horner([{s}, {s}], {s})
{N1} = lambda t: t * {S1} + {s}; {S1} = {s}; {N2} = {N1}({s})
{N1} = {F}({s})
{N1} = {F}({F}({s}))
{O1}.add({s})
{N1} = {O1}.add({s})
{O1}.total = {s}
{O1}.total *= 0.5
{N1} = {O1}; {N1}.add({s})
{N1} = State({V1}, {V2}); {N1}.drift()
{Q1}.kick({v})
{Q1}.drift()
{N1} = {Q1}.drift().pos
{Q1}.pos[0] = {s}
{N1} = {Q1}.time * {s}
"""

SCANS = """
for {N1} in {M1}:
    {N1} *= {s}

for {N1} in [{V1}, {V2}]:
    {N1}[0] = {s}

{N1} = []
for {C1} in range(3):
    {N1}.append({s} * {C1} + {s})

{N1} = []
for {N2} in {V1}:
    {N1}.append(np.tanh({N2} * {s}))
{N3} = sum({N1})

def {N1}(t, by={s}):
    return t * by + {S1}

def {N1}(t):
    if t > 0.5:
        return t * {S1}
    return t + {S1}

{N2} = {s}
def {N1}(t):
    nonlocal {N2}
    {N2} = {N2} + 0.5 * t
    return {N2} * t
{N3} = {N1}({s}) + {N1}({s})

def {N1}(t):
    {V1}[0] = t
    return {V1}[1]
{N2} = {N1}({s})

{N1} = np.zeros_like({V1})
for {C1} in range(1, len({V1})):
    {N1}[{C1}] = 0.6 * {N1}[{C1} - 1] + np.tanh({V1}[{C1}])

{N1} = np.empty_like({V1})
for {C1}, {N2} in enumerate({V1}):
    {N1}[{C1}] = {N2} * {s}

{N1} = np.zeros({M1}.shape)
for {C1} in range({M1}.shape[0]):
    for {C2} in range({M1}.shape[1]):
        {N1}[{C1}, {C2}] = {M1}[{C1}, {C2}] * {s}

{N1} = np.zeros({M1}.shape[1])
for {N2} in {M1}:
    {N1} = np.tanh({N2} + 0.5 * {N1})

{N1} = [{V1}]
for {C1} in range(4):
    {N1}.append(np.tanh({N1}[-1]) + {s})

{N1}, {N2} = {v}, {v}
for {C1} in range(5):
    {N2} = {N2} - 0.1 * np.sin({N1})
    {N1} = {N1} + 0.1 * {N2}

{N1} = {V1}[0]
for {N2} in {V1}[1:]:
    if {N2} > {N1}:
        {N1} = {N2}

{N1} = 0
for {N2} in {V1}:
    {N1} += {N2} * {s}

{N1} = {s}
for {C1} in range(3, 3):
    {N1} = {N1} * {s}

for {C1} in range(4, -1, -2):
    {S1} = 0.7 * {S1} + {C1} * {s}

for {C1} in range(3):
    pass
{N1} = {C1} * {s}

{N1} = 1.0
for {C1} in range(20):
    {N2} = ({N1} ** 3 + {N1} - {S1}) / (3 * {N1} ** 2 + 1)
    {N1} = {N1} - {N2}
    if abs({N2}) < 1e-4:
        break

{N1} = {s}
{C1} = 0
while True:
    {N2} = 0.5 * np.cos({N1}) + 0.1 * {S1}
    {C1} += 1
    if abs({N2} - {N1}) < 1e-3 or {C1} > 12:
        break
    {N1} = {N2}

{N1} = {s}
while abs({N1}) > 0.2:
    {N1} = 0.5 * {N1}

{N1} = {s}
while ({N2} := 0.6 * np.sin({N1})) > 0.1:
    {N1} = {N2}

{N1}, {N2} = 0.0, 4.0
while {N2} - {N1} > 0.1:
    {N3} = 0.5 * ({N1} + {N2})
    if {N3} ** 3 + {N3} < 2.0 + {s}:
        {N1} = {N3}
    else:
        {N2} = {N3}

for {C1} in range(len({V1})):
    if {V1}[{C1}] > 0.6:
        {N1} = {V1}[{C1}] * {s}
        break
else:
    {N1} = {s}

{N1} = 0.0
for {N2} in {V1}:
    if {N2} < 0.2:
        continue
    {N1} += {N2} ** 2

{N1} = {M1}.copy()
for {C1} in range(1, {M1}.shape[0]):
    {N1}[{C1}, 0] = {N1}[{C1} - 1, 0] + {M1}[{C1}, 0]
    for {C2} in range(1, {M1}.shape[1]):
        {N1}[{C1}, {C2}] = {M1}[{C1}, {C2}] + min({N1}[{C1} - 1, {C2}], {N1}[{C1} - 1, {C2} - 1])

for {C1} in range(2):
    for {C2} in range(1, len({V1}) - 1):
        {V1}[{C2}] = 0.3 * ({V1}[{C2} - 1] + {V1}[{C2} + 1]) + 0.1 * {s}
"""

LOOPS = """
for {C1} in range(3):
for {C1} in range({I}):
for {C1} in range(len({V})):
for {C1} in range(1, {M}.shape[0]):
for {C1} in range(len({V}) - 1, -1, -1):
for {C1} in range(0, 6, 2):
for {C1} in range({i}, 4):
for {C1} in reversed(range(3)):
for {N1} in {V}:
for {N1} in {M}:
for {C1}, {N1} in enumerate({V}):
for {C1}, {N1} in enumerate({M}):
for {N1}, {N2} in zip({V}, {V}):
for {N1}, {N2} in zip({M}, {V}):
for {N1} in {L}:
for {N1} in {W}:
for {N1} in [{s}, {s}, {s}]:
for {N1}, {N2} in {D}.items():
with np.errstate(all="ignore"):
"""

LONG_LOOPS = """
{C1} = 0
while {C1} < 4:
    ...
    {C1} += 1

{C1} = 0
while {C1} < 5 and {S1} < {t1}:
    {C1} += 1
    ...

{C1} = 3
while {C1}:
    {C1} -= 1
    ...

{C1} = 0
while True:
    ...
    {C1} += 1
    if {C1} > 3 or {s1} > {t1}:
        break
"""

JUMPS = """
if {b}:
    break

if {b}:
    {S1} = {s}
    break

if {b}:
    continue

if {b}:
    {S1} += {s}
    continue
"""

RETURNS = """
if {b}:
    return {s}

if {b}:
    {N1} = {s}
    return {N1} * {s}
"""

# rows, how often outside a loop, how often in one
GROUPS = [
    (ASSIGNMENT_ROWS, 6, 8),
    (lines(STORES), 6, 8),
    (lines(VIEWS), 2, 2),
    (lines(CREATIONS), 4, 1),
    (lines(CONTAINERS), 1, 1),
    (lines(CALLS), 3, 2),
    (blocks(SCANS), 2, 1),
]
LOOP_ROWS = [f"{header}\n    ..." for header in lines(LOOPS)] + blocks(LONG_LOOPS)
JUMP_ROWS, RETURN_ROWS = blocks(JUMPS), blocks(RETURNS)
# rows that use a container, a function or an object, by its kind
USES = {letter: [row for rows, *_ in GROUPS for row in rows if f"{{{letter}1}}" in row] for letter in "LWDEOQ"}
USES["F"] = ["{N1} = {F}({s})", "{N1} = {F}({F}({s}))", "{V1} = {F}({V1})"]
