using System.IO.Enumeration;

namespace Lorq.Specs;

/// <summary>
/// Patterns on names: <c>*</c> stands for any run of characters, <c>?</c> for one, <c>\</c> takes the next character as it is; case
/// matters.
/// </summary>
public static class GlobMatcher
{
    /// <summary>True when any of the names fits. Nodes need no name: an empty one fits no pattern.</summary>
    public static bool Matches(string pattern, IEnumerable<string> names) =>
        names.Any(n => n.Length > 0 && FileSystemName.MatchesSimpleExpression(pattern, n, ignoreCase: false));

    /// <summary>Refuses a pattern that fits none of a model's names.</summary>
    public static void RequireMatch(string pattern, IReadOnlyCollection<string> names)
    {
        if (!Matches(pattern, names))
        {
            throw Diagnostics.Catalogue.PatternMatchesNothing.With(pattern);
        }
    }
}
