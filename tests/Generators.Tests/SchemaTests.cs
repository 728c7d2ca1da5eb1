using Lorq.Runtime.Tests.Sessions;
using Lorq.Tests.Reports;

namespace Lorq.Generators.Tests;

/// <summary>The manifests that these tests write are manifests.</summary>
public class SchemaTests
{
    [Fact]
    public void ManifestsOfTheTestsFollowTheSchema() =>
        Assert.All(
            [ManifestText.MiniLm(), ManifestText.Decoder(), ManifestText.Of(ModelBuilder.Sum()), ManifestText.Of(ModelBuilder.Counting())],
            manifest => Assert.Equal([], SchemaValidation.ManifestErrors(manifest))
        );
}
