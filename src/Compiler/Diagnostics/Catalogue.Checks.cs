namespace Lorq.Diagnostics;

public static partial class Catalogue
{
    /// <summary>The compressed model misses the accuracy limit.</summary>
    public static readonly Diagnostic AccuracyLimitMissed = new(
        "LORQ0801",
        "The compressed model misses the accuracy limit",
        "The accuracy limit asks for {0} {1} {2}, but the compressed model has {3} on the held-out samples.{4}",
        "The budget leaves too few bytes for the accuracy that the spec demands.",
        "Raise the budget, relax the accuracy limit in the spec, or exclude the sites with the largest predicted loss (the report lists them)."
    );

    /// <summary>The accuracy limit names a metric that this model's outputs do not have.</summary>
    public static readonly Diagnostic AccuracyMetricUnavailable = new(
        "LORQ0802",
        "The accuracy metric does not exist for this model",
        "The accuracy limit uses the metric '{0}', which cannot be measured here: {1}",
        "kl and top1 need an output with a class axis (logits or probabilities); cosine and relative-mse need a floating-point output with at least one row that is not masked; all need data to run the models on.",
        "Use a metric that the outputs have, give data with --calibration, or remove the accuracy limit."
    );

    /// <summary>The mask input is not in the data.</summary>
    public static readonly Diagnostic MaskInputMissing = new(
        "LORQ0803",
        "The mask input is not in the data",
        "The mask input '{0}' is not among the inputs of the data ({1}).",
        "The input whose zeros mark padding was named in the spec, but the data has no array of this name.",
        "Name an input that the data has, or remove the mask."
    );

    /// <summary>Two models to compare take different inputs.</summary>
    public static readonly Diagnostic ComparedInputsDiffer = new(
        "LORQ0804",
        "The compared models take different inputs",
        "'{0}' and '{1}' cannot be compared: {2}",
        "Both models are fed the same data, so names, element types, ranks and fixed dimensions of their inputs must agree.",
        "Compare a model with one made from it, with its inputs unchanged."
    );

    /// <summary>Two models to compare give different outputs.</summary>
    public static readonly Diagnostic ComparedOutputsDiffer = new(
        "LORQ0805",
        "The compared models give different outputs",
        "'{0}' and '{1}' cannot be compared: {2}",
        "Divergence is measured output by output, so names, kinds of element type, ranks and fixed dimensions must agree.",
        "Compare a model with one made from it, with its outputs unchanged."
    );

    /// <summary>There is nothing to run the compared models on.</summary>
    public static readonly Diagnostic NoComparisonData = new(
        "LORQ0806",
        "There is no data to compare on",
        "'{0}' and '{1}' cannot be compared: the data holds no samples.",
        "No data file was given, or the arrays in it have no rows.",
        "Give at least one sample with --data, as .npz, .npy per input, or a test_data_set folder."
    );

    /// <summary>ONNX Runtime's profile of a model cannot be used.</summary>
    public static readonly Diagnostic ProfileUnreadable = new(
        "LORQ0807",
        "The profile of a model cannot be read",
        "ONNX Runtime's profile of '{0}' cannot be read: {1}",
        "Profile and optimized graph are written to the folder for temporary files; the disk was full, or another program changed them.",
        "Make room in the folder for temporary files and run again, or leave the profile out (lorq compare without --profile, lorq compress --no-speed)."
    );
}
