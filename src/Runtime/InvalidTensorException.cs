namespace Lorq.Runtime;

/// <summary>An input or output that does not fit the model; thrown before anything runs, but for a buffer of another shape than its output turned out to have.</summary>
public sealed class InvalidTensorException : ArgumentException
{
    /// <summary>Makes the exception.</summary>
    /// <param name="message">What is wrong, with the model's own names.</param>
    /// <param name="tensor">Name of the input or output.</param>
    public InvalidTensorException(string message, string tensor)
        : base(message) => Tensor = tensor;

    /// <summary>Name of the input or output.</summary>
    public string Tensor { get; }
}
