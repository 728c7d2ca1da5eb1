using System.Globalization;

namespace Lorq.Diagnostics;

/// <summary>An entry of the error catalogue, as the compiler's type of this name, whose file of build errors is compiled here too.</summary>
/// <param name="id">The public code.</param>
/// <param name="title">The heading of its page in docs/errors.</param>
/// <param name="messageFormat">One sentence with places for the user's own names.</param>
/// <param name="cause">What leads here.</param>
/// <param name="fix">What to do.</param>
public sealed class Diagnostic(string id, string title, string messageFormat, string cause, string fix)
{
    /// <summary>The public code, <c>LORQ####</c>.</summary>
    public string Id { get; } = id;

    /// <summary>The heading of its page.</summary>
    public string Title { get; } = title;

    /// <summary>What leads here.</summary>
    public string Cause { get; } = cause;

    /// <summary>The exception that reports this condition.</summary>
    /// <param name="arguments">What fills the places of the message.</param>
    public BuildException With(params object[] arguments) =>
        new(Id, string.Format(CultureInfo.InvariantCulture, messageFormat, arguments) + " " + fix);
}

/// <summary>An error that a user can act on.</summary>
/// <param name="id">Its code.</param>
/// <param name="message">What is wrong and what to do.</param>
public sealed class BuildException(string id, string message) : Exception(message)
{
    /// <summary>The code, <c>LORQ####</c>.</summary>
    public string Id { get; } = id;
}
