namespace Lorq.Runtime;

/// <summary>A model that is not what its manifest says, or a manifest that is missing, though required, or cannot be read.</summary>
public sealed class ManifestException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="message">What is wrong, with file, expected and found.</param>
    /// <param name="file">Path of the file that is wrong.</param>
    /// <param name="expected">What the manifest states, or null.</param>
    /// <param name="found">What there is, or null.</param>
    /// <param name="inner">The cause, or null.</param>
    public ManifestException(string message, string file, string? expected = null, string? found = null, Exception? inner = null)
        : base(message, inner)
    {
        File = file;
        Expected = expected;
        Found = found;
    }

    /// <summary>Path of the file that is wrong: the model, a data file of it, or the manifest.</summary>
    public string File { get; }

    /// <summary>The SHA-256 that the manifest states, in lower-case hexadecimal; null where the manifest itself is at fault.</summary>
    public string? Expected { get; }

    /// <summary>The SHA-256 of the file; null where the file or the manifest is missing or unreadable.</summary>
    public string? Found { get; }
}
