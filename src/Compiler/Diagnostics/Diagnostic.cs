namespace Lorq.Diagnostics;

/// <summary>One entry of the error catalogue: what went wrong, in the user's terms, and what to do.</summary>
/// <param name="Id">The public code, <c>LORQ####</c>; never reused.</param>
/// <param name="Title">A short name of the condition, the heading of its page in <c>docs/errors</c>.</param>
/// <param name="MessageFormat">One sentence with <c>{0}</c>-style places for the user's own names.</param>
/// <param name="Cause">What leads here, for the docs page.</param>
/// <param name="Fix">What to do about it, appended to the message and shown on the docs page.</param>
public sealed record Diagnostic(string Id, string Title, string MessageFormat, string Cause, string Fix)
{
    /// <summary>Builds the exception that reports this condition.</summary>
    public LorqException With(params object?[] arguments) => new(this, null, arguments);

    /// <summary>Builds the exception that reports this condition at a place in a file.</summary>
    public LorqException At(SourceLocation location, params object?[] arguments) => new(this, location, arguments);
}

/// <summary>A place in a file the user wrote; lines and columns start at 1, 0 when only the file is known.</summary>
public sealed record SourceLocation(string File, int Line = 0, int Column = 0);
