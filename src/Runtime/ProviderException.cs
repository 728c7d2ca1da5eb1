namespace Lorq.Runtime;

/// <summary>None of the execution providers that the options list could be used.</summary>
public sealed class ProviderException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="notes">The providers that were refused, and why.</param>
    /// <param name="inner">The last cause.</param>
    public ProviderException(IReadOnlyList<ProviderNote> notes, Exception? inner)
        : base($"No execution provider could be used, and the options name no other. {string.Join(" ", notes)}", inner) => Notes = notes;

    /// <summary>The providers that were refused, and why, in order.</summary>
    public IReadOnlyList<ProviderNote> Notes { get; }
}
