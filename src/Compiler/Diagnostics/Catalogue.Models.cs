namespace Lorq.Diagnostics;

public static partial class Catalogue
{
    /// <summary>The model file does not exist.</summary>
    public static readonly Diagnostic ModelNotFound = new(
        "LORQ0100",
        "The model file does not exist",
        "There is no file '{0}'.",
        "The path is misspelt, or relative to another folder.",
        "Check the path; a relative one starts at the folder the command runs in."
    );

    /// <summary>A file cannot be opened or read.</summary>
    public static readonly Diagnostic CannotReadFile = new(
        "LORQ0101",
        "A file cannot be read",
        "'{0}' cannot be read: {1}",
        "The path is a folder or a device, permission is missing, or the disk reports an error.",
        "Give the path of a readable file."
    );

    /// <summary>The file is empty.</summary>
    public static readonly Diagnostic ModelEmpty = new(
        "LORQ0102",
        "The model file is empty",
        "'{0}' is empty.",
        "A download or a copy was interrupted before its first byte, or the file is a placeholder.",
        "Fetch or export the model again."
    );

    /// <summary>The file is not an ONNX model.</summary>
    public static readonly Diagnostic NotOnnx = new(
        "LORQ0103",
        "The file is not an ONNX model",
        "'{0}' is not an ONNX model: {1}.",
        "The file is of another format: text, a Git LFS pointer, an archive, a PyTorch or TensorFlow checkpoint.",
        "Give an .onnx file: 'git lfs pull' fetches what a pointer of Git LFS stands for, and checkpoints of other frameworks are exported to ONNX first."
    );

    /// <summary>The protobuf of the model is damaged.</summary>
    public static readonly Diagnostic ModelDamaged = new(
        "LORQ0104",
        "The model file is damaged or cut short",
        "'{0}' is damaged or cut short: {1} at byte {2}.",
        "A download or a copy was interrupted, or bytes were changed.",
        "Fetch or export the model again."
    );

    /// <summary>A model without a graph.</summary>
    public static readonly Diagnostic ModelIncomplete = new(
        "LORQ0105",
        "The model is incomplete",
        "'{0}' has no {1}.",
        "The file is cut short, or it is another protobuf message than an ONNX model.",
        "Fetch or export the model again."
    );

    /// <summary>Messages nested beyond the limit.</summary>
    public static readonly Diagnostic ModelTooDeep = new(
        "LORQ0106",
        "The model is nested too deeply",
        "'{0}' nests graphs or types more than {1} messages deep.",
        "The file is damaged or was built to exhaust the reader; real models nest a few subgraphs.",
        "Fetch or export the model again; unroll nested If, Loop and Scan nodes if it really is that deep."
    );

    /// <summary>A model file of more than 2 GB.</summary>
    public static readonly Diagnostic ModelTooLarge = new(
        "LORQ0107",
        "The model file is larger than the format allows",
        "'{0}' has {1} bytes; a model file holds at most {2}.",
        "ONNX files are protobuf messages, which end at 2 GB.",
        "Save the model with external data, so that the large tensors lie in a file beside it."
    );

    /// <summary>The nodes of a graph form a cycle.</summary>
    public static readonly Diagnostic CyclicGraph = new(
        "LORQ0108",
        "The graph has a cycle",
        "'{0}': node {1} depends on its own output.",
        "Nodes of the graph read each other's outputs in a circle; an ONNX graph must be acyclic.",
        "Export the model again, or repair the inputs of the named node."
    );

    /// <summary>Two definitions of one tensor name in one graph.</summary>
    public static readonly Diagnostic DuplicateName = new(
        "LORQ0109",
        "A tensor name is defined twice",
        "'{0}' defines the tensor '{1}' twice: by {2} and by {3}.",
        "In an ONNX graph every tensor is written once (static single assignment).",
        "Rename one of the two, or export the model again."
    );

    /// <summary>Dimensions that cannot be.</summary>
    public static readonly Diagnostic BadDimensions = new(
        "LORQ0110",
        "A tensor has impossible dimensions",
        "'{0}': {1} has the dimensions [{2}], which {3}.",
        "A dimension is negative, or their product does not fit in 64 bits: the file is damaged.",
        "Fetch or export the model again."
    );

    /// <summary>A payload that does not fit the dimensions.</summary>
    public static readonly Diagnostic PayloadMismatch = new(
        "LORQ0111",
        "A tensor's data does not fit its dimensions",
        "'{0}': {1} has the dimensions [{2}] of type {3} and needs {4} but holds {5}.",
        "The file is damaged, or the tool that wrote it set the wrong dimensions or element type.",
        "Fetch or export the model again."
    );

    /// <summary>The external data file is not there.</summary>
    public static readonly Diagnostic ExternalDataMissing = new(
        "LORQ0112",
        "An external data file is missing",
        "'{0}': {1} is stored in '{2}', which cannot be read: {3}",
        "Only the .onnx file was copied; its large tensors lie in a file beside it.",
        "Put the data file into the folder of the model, under the name the model uses."
    );

    /// <summary>The external data file is outside of the model's folder.</summary>
    public static readonly Diagnostic ExternalDataEscapes = new(
        "LORQ0113",
        "An external data file lies outside of the model's folder",
        "'{0}': {1} is stored in '{2}', which is not inside the model's folder{3}.",
        "The location is an absolute path, leads upwards, or goes through a symbolic link; reading it could disclose other files.",
        "Place the data file itself (not a link) beside the model and save the model with a relative location."
    );

    /// <summary>The external data range is outside of the file.</summary>
    public static readonly Diagnostic ExternalDataRange = new(
        "LORQ0114",
        "External data is cut short or its range is wrong",
        "'{0}': {1} is stored in '{2}' at offset {3} with length {4}, but that file has {5} bytes.",
        "The data file was only partly copied, or belongs to another model.",
        "Fetch the data file again, together with its model."
    );

    /// <summary>A tensor that must be numbers of a float type is not.</summary>
    public static readonly Diagnostic NotAFloatTensor = new(
        "LORQ0115",
        "A tensor is not of a float type",
        "'{0}': {1} is of type {2}, where float, float16, bfloat16 or double is needed.",
        "Only tensors of these types have values that can be compressed.",
        "Exclude the tensor."
    );

    /// <summary>A tensor too large for one array.</summary>
    public static readonly Diagnostic TensorTooLarge = new(
        "LORQ0116",
        "A tensor is too large to be read at once",
        "'{0}': {1} has {2} bytes; at most {3} can be held in one piece.",
        "The tensor would not fit one managed array.",
        "Exclude the tensor, or split it in the model."
    );

    /// <summary>A file cannot be written.</summary>
    public static readonly Diagnostic CannotWriteFile = new(
        "LORQ0117",
        "A file cannot be written",
        "'{0}' cannot be written: {1}",
        "The folder does not exist or is not writable, or the path is a folder.",
        "Choose another place, or change its permissions. The file is as it was before."
    );

    /// <summary>The disk is full.</summary>
    public static readonly Diagnostic DiskFull = new(
        "LORQ0118",
        "The disk is full",
        "'{0}' cannot be written: the disk has no room for its {1} bytes.",
        "The file is written beside the old one before it takes its place, so both need room for a moment.",
        "Free some space or choose another output folder. Nothing was changed."
    );

    /// <summary>One file was asked for and would be too large.</summary>
    public static readonly Diagnostic InlineTooLarge = new(
        "LORQ0119",
        "The model does not fit one file",
        "'{0}' would have {1} bytes without external data; a model file holds at most {2}.",
        "ONNX files are protobuf messages, which end at 2 GB.",
        "Let the large tensors go into an external data file."
    );

    /// <summary>A tensor whose storage this program cannot read.</summary>
    public static readonly Diagnostic UnsupportedStorage = new(
        "LORQ0120",
        "A tensor is stored in an unsupported way",
        "'{0}': {1} {2}.",
        "The element type is unknown or has no fixed size, or the tensor is a segment of a larger one.",
        "Exclude the tensor, or export the model again without this construct."
    );

    /// <summary>External data entries that are not numbers.</summary>
    public static readonly Diagnostic ExternalDataEntry = new(
        "LORQ0121",
        "The description of external data is malformed",
        "'{0}': {1} states the {2} '{3}' of its external data, which is not a number of bytes.",
        "The file is damaged, or the tool that wrote it did not finish.",
        "Fetch or export the model again."
    );

    /// <summary>Text of another encoding.</summary>
    public static readonly Diagnostic TextNotUtf8 = new(
        "LORQ0122",
        "A text in the model is not UTF-8",
        "'{0}' has a name or a description that is not UTF-8 text.",
        "The exporter wrote texts in the system's code page (GBK, Latin-1), which protobuf does not allow; or the file is damaged.",
        "Export the model again with ASCII or UTF-8 names."
    );
}
