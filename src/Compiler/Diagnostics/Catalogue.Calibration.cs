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
}
