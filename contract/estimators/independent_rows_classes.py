"""The classes whose fitted estimators answer each row by itself, and those that do not.

A class is here by name only, so one that a later scikit-learn adds is not until somebody has
looked at it; tests/fidelity/test_independent_rows.py holds the two lists against what is installed.
"""

from __future__ import annotations

_BY_PART = {
    "calibration": "CalibratedClassifierCV",
    "cluster": "FeatureAgglomeration",
    "compose": "ColumnTransformer TransformedTargetRegressor",
    "covariance": "EllipticEnvelope",
    "cross_decomposition": "CCA PLSCanonical PLSRegression PLSSVD",
    "decomposition": (
        "DictionaryLearning FactorAnalysis FastICA IncrementalPCA KernelPCA "
        "LatentDirichletAllocation MiniBatchDictionaryLearning PCA SparseCoder TruncatedSVD"
    ),
    "discriminant_analysis": "LinearDiscriminantAnalysis QuadraticDiscriminantAnalysis",
    "dummy": "DummyClassifier DummyRegressor",
    "ensemble": (
        "AdaBoostClassifier AdaBoostRegressor BaggingClassifier BaggingRegressor "
        "ExtraTreesClassifier ExtraTreesRegressor GradientBoostingClassifier "
        "GradientBoostingRegressor HistGradientBoostingClassifier HistGradientBoostingRegressor "
        "IsolationForest RandomForestClassifier RandomForestRegressor RandomTreesEmbedding "
        "StackingClassifier StackingRegressor VotingClassifier VotingRegressor"
    ),
    "feature_extraction": (
        "CountVectorizer DictVectorizer FeatureHasher HashingVectorizer TfidfTransformer "
        "TfidfVectorizer"
    ),
    "feature_selection": (
        "GenericUnivariateSelect RFE RFECV SelectFdr SelectFpr SelectFromModel SelectFwe "
        "SelectKBest SelectPercentile SequentialFeatureSelector VarianceThreshold"
    ),
    "frozen": "FrozenEstimator",
    "gaussian_process": "GaussianProcessClassifier",
    "impute": "MissingIndicator SimpleImputer",
    "isotonic": "IsotonicRegression",
    "kernel_approximation": (
        "AdditiveChi2Sampler Nystroem PolynomialCountSketch RBFSampler SkewedChi2Sampler"
    ),
    "kernel_ridge": "KernelRidge",
    "linear_model": (
        "ARDRegression BayesianRidge ElasticNet ElasticNetCV GammaRegressor HuberRegressor Lars "
        "LarsCV Lasso LassoCV LassoLars LassoLarsCV LassoLarsIC LinearRegression "
        "LogisticRegression LogisticRegressionCV MultiTaskElasticNet MultiTaskElasticNetCV "
        "MultiTaskLasso MultiTaskLassoCV OrthogonalMatchingPursuit OrthogonalMatchingPursuitCV "
        "PassiveAggressiveClassifier PassiveAggressiveRegressor Perceptron PoissonRegressor "
        "QuantileRegressor RANSACRegressor Ridge RidgeCV RidgeClassifier RidgeClassifierCV "
        "SGDClassifier SGDOneClassSVM SGDRegressor TheilSenRegressor TweedieRegressor"
    ),
    "mixture": "BayesianGaussianMixture GaussianMixture",
    "model_selection": (
        "FixedThresholdClassifier GridSearchCV HalvingGridSearchCV HalvingRandomSearchCV "
        "RandomizedSearchCV TunedThresholdClassifierCV"
    ),
    "multiclass": "OneVsOneClassifier OneVsRestClassifier OutputCodeClassifier",
    "multioutput": "ClassifierChain MultiOutputClassifier MultiOutputRegressor RegressorChain",
    "naive_bayes": "BernoulliNB CategoricalNB ComplementNB GaussianNB MultinomialNB",
    "neighbors": (
        "KNeighborsClassifier KNeighborsRegressor NearestNeighbors "
        "NeighborhoodComponentsAnalysis RadiusNeighborsClassifier RadiusNeighborsRegressor"
    ),
    "neural_network": "BernoulliRBM MLPClassifier MLPRegressor",
    "pipeline": "FeatureUnion Pipeline",
    "preprocessing": (
        "Binarizer FunctionTransformer KBinsDiscretizer LabelBinarizer LabelEncoder MaxAbsScaler "
        "MinMaxScaler MultiLabelBinarizer Normalizer OneHotEncoder OrdinalEncoder "
        "PolynomialFeatures PowerTransformer QuantileTransformer RobustScaler SplineTransformer "
        "StandardScaler TargetEncoder"
    ),
    "random_projection": "GaussianRandomProjection SparseRandomProjection",
    "semi_supervised": "LabelPropagation LabelSpreading SelfTrainingClassifier",
    "svm": "LinearSVC LinearSVR NuSVC NuSVR OneClassSVM SVC SVR",
    "tree": "DecisionTreeClassifier DecisionTreeRegressor ExtraTreeClassifier ExtraTreeRegressor",
}
APART = frozenset(
    f"sklearn.{part}.{name}" for part, names in _BY_PART.items() for name in names.split()
)

# Boosters hold nothing but trees of their own; what is inside them is not looked at.
BOOSTERS = frozenset(
    {
        *(
            f"xgboost.sklearn.XGB{name}"
            for name in ("Classifier", "Regressor", "Ranker", "RFClassifier", "RFRegressor")
        ),
        *(f"lightgbm.sklearn.LGBM{name}" for name in ("Classifier", "Regressor", "Ranker")),
        *(f"catboost.core.CatBoost{name}" for name in ("", "Classifier", "Regressor", "Ranker")),
        "xgboost.core.Booster",
        "lightgbm.basic.Booster",
    }
)

_TIES = (
    "settles ties between distances by the last bits of a matrix product, which depend on how "
    "many rows there are"
)
# What scikit-learn offers with predict or transform that is not on the list, and why.
MIXING = {
    "sklearn.decomposition.NMF": "stops when all rows together have come close enough",
    "sklearn.decomposition.MiniBatchNMF": "stops when all rows together have come close enough",
    "sklearn.decomposition.SparsePCA": "gives a single row in another shape than several",
    "sklearn.decomposition.MiniBatchSparsePCA": "gives a single row in another shape than several",
    "sklearn.gaussian_process.GaussianProcessRegressor": (
        "adds up large terms that cancel, so that the order of a sum shows"
    ),
    "sklearn.feature_extraction.PatchExtractor": "gives more rows than it gets",
    "sklearn.impute.IterativeImputer": "leaves its rounds out where every row misses everything",
    "sklearn.preprocessing.KernelCenterer": "takes a matrix of similarities, which has no rows",
    "sklearn.cluster.AffinityPropagation": _TIES,
    "sklearn.cluster.Birch": _TIES,
    "sklearn.cluster.BisectingKMeans": _TIES,
    "sklearn.cluster.KMeans": _TIES,
    "sklearn.cluster.MeanShift": _TIES,
    "sklearn.cluster.MiniBatchKMeans": _TIES,
    "sklearn.impute.KNNImputer": _TIES,
    "sklearn.manifold.Isomap": _TIES,
    "sklearn.manifold.LocallyLinearEmbedding": _TIES,
    "sklearn.neighbors.KNeighborsTransformer": _TIES,
    "sklearn.neighbors.LocalOutlierFactor": _TIES,
    "sklearn.neighbors.NearestCentroid": _TIES,
    "sklearn.neighbors.RadiusNeighborsTransformer": _TIES,
}
TIES = _TIES
