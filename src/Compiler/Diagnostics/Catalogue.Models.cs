namespace Lorq.Diagnostics;

public static partial class Catalogue
{
    /// <summary>A file cannot be opened.</summary>
    public static readonly Diagnostic CannotReadFile = new(
        "LORQ0101",
        "A file cannot be read",
        "Cannot read '{0}': {1}",
        "The file does not exist, is a folder, or its permissions forbid reading.",
        "Check the path and the permissions."
    );

    /// <summary>The bytes are not an ONNX model.</summary>
    public static readonly Diagnostic NotOnnx = new(
        "LORQ0102",
        "Not an ONNX model",
        "'{0}' is not a complete ONNX model: {1}.",
        "The file is of another kind, was truncated while it was copied, or holds no graph.",
        "Export or copy the model again; a git-lfs pointer has to be pulled first."
    );

    /// <summary>A tensor's description and its bytes disagree.</summary>
    public static readonly Diagnostic MalformedTensor = new(
        "LORQ0103",
        "A tensor is malformed",
        "Tensor '{0}' is malformed: {1}.",
        "Its dimensions, element type and stored bytes do not fit together.",
        "Export the model again, or repair the tensor."
    );

    /// <summary>External data cannot be used.</summary>
    public static readonly Diagnostic ExternalData = new(
        "LORQ0104",
        "External data is missing or unusable",
        "The external data of tensor '{0}' cannot be used: {1}.",
        "The file beside the model is missing or too short, or its location leads out of the model's folder.",
        "Keep the model and its data files together, under the names that the model states."
    );

    /// <summary>The graph has a cycle.</summary>
    public static readonly Diagnostic CyclicGraph = new(
        "LORQ0105",
        "The graph has a cycle",
        "The graph of '{0}' has a cycle through node '{1}'.",
        "A node needs, directly or through others, its own output.",
        "Repair the model; ONNX graphs are acyclic (loops are Loop and Scan nodes)."
    );

    /// <summary>A name is defined twice.</summary>
    public static readonly Diagnostic DuplicateName = new(
        "LORQ0106",
        "A name is defined twice",
        "'{0}' defines the tensor '{1}' twice.",
        "Two nodes or initializers of one graph produce a tensor of the same name.",
        "Rename one of them; ONNX graphs are in single-assignment form."
    );

    /// <summary>Writing failed.</summary>
    public static readonly Diagnostic CannotWriteFile = new(
        "LORQ0107",
        "A file cannot be written",
        "Cannot write '{0}': {1}",
        "The folder is missing or read-only, or the disk is full.",
        "Make room, or choose another place; an earlier file of that name was left as it was."
    );

    /// <summary>Too large to inline.</summary>
    public static readonly Diagnostic TooLargeInline = new(
        "LORQ0108",
        "The model is too large for one file",
        "'{0}' would have {1} bytes; a single ONNX file cannot pass 2 GB.",
        "protobuf messages are limited to 2 GB.",
        "Write it with external data (--external-data)."
    );
}
