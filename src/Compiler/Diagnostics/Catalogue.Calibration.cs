namespace Lorq.Diagnostics;

public static partial class Catalogue
{
    /// <summary>ONNX Runtime cannot load a model.</summary>
    public static readonly Diagnostic RuntimeRefusesModel = new(
        "LORQ0401",
        "ONNX Runtime refuses the model",
        "ONNX Runtime cannot load '{0}': {1}",
        "The model uses operators, types or shapes that the bundled ONNX Runtime does not accept, or it is inconsistent.",
        "Check that the model runs in ONNX Runtime on its own; export it again with an opset that ONNX Runtime supports."
    );

    /// <summary>A run of a model failed.</summary>
    public static readonly Diagnostic RunFailed = new(
        "LORQ0402",
        "A run of the model failed",
        "Running '{0}' failed: {1}",
        "The data does not fit the model (shapes that disagree inside the graph), or an operator fails on it.",
        "Run the model on the same data in ONNX Runtime alone to see which input causes it."
    );

    /// <summary>Data is missing.</summary>
    public static readonly Diagnostic NoSuchData = new(
        "LORQ0410",
        "Calibration data is missing",
        "There is no file or folder '{0}'.",
        "A path was misspelt, or a pattern fits no file.",
        "Check the path; patterns may hold * and ? in their last part, and are best quoted in a shell."
    );

    /// <summary>Data cannot be read.</summary>
    public static readonly Diagnostic MalformedData = new(
        "LORQ0411",
        "Calibration data cannot be read",
        "'{0}' cannot be read as calibration data: {1}.",
        "The file is damaged, truncated, or of a kind that is not supported.",
        "Write it again, for example with numpy.savez(path, input_name=array)."
    );

    /// <summary>Data does not fit the model.</summary>
    public static readonly Diagnostic DataDoesNotFit = new(
        "LORQ0412",
        "Calibration data does not fit the model",
        "'{0}' does not fit the model: {1}.",
        "Names, element types or shapes differ from the model's inputs.",
        "Name each array after its input, with samples along the first axis."
    );

    /// <summary>Data holds NaN or infinities.</summary>
    public static readonly Diagnostic DataNotFinite = new(
        "LORQ0413",
        "Calibration data is not finite",
        "Input '{0}' of sample {1} in '{2}' holds NaN or an infinity.",
        "One bad sample would spoil the statistics of every layer.",
        "Remove or repair that sample."
    );

    /// <summary>An activation holds NaN or infinities.</summary>
    public static readonly Diagnostic ActivationNotFinite = new(
        "LORQ0414",
        "The model computes NaN or infinities",
        "Tensor '{0}' holds NaN or an infinity for calibration sample {1} of '{2}'.",
        "The model overflows on that sample, or the sample is not what the model expects.",
        "Remove that sample, or check its preprocessing."
    );
}
